use super::*;
use brolga_core::Code;
fn program_for(t: &str, b: &[u8]) -> Program { Program{ code: Code::decode(b).unwrap(), aux: Aux::new(table::by_name(t).or_else(|| table::by_name("socket_filter")).unwrap()) } }
fn depth(p: &Program, st: &Structure) -> String {
    use brolga_core::{Insn, Reg, AluOp, insn::Operand};
    let frames: Vec<_> = st.subprogs().iter().map(|s| {
        let mut b = 0i32;
        for pc in (s.range.start.0..s.range.end.0).map(Pc) { match p.code.at(pc) {
            Some(Insn::Store{dst: Reg::R10, off, ..}) => b = b.max(-(*off as i32)),
            Some(Insn::Load{src: Reg::R10, off, ..}) => b = b.max(-(*off as i32)),
            Some(Insn::Alu{op: AluOp::Add, src: Operand::Imm(n), ..}) if *n<0 && *n>=-512 => b=b.max(-*n),
            _=>{} } }
        stack_depth::Frame{bytes: b as u32, runs_later: false}
    }).collect();
    match stack_depth::check(&p.aux.prog_type, st, &frames) { Ok(_) => "ok".into(), Err(e) => e.to_string() }
}
#[test]
fn corpus() {
    let text = std::fs::read_to_string("/tmp/structure_corpus.txt").unwrap();
    let words = ["jump out of range","last insn is not","unreachable insn","call to invalid dest","jump into the middle","too many subprog","LD_ABS is not allowed in","tail_call is not allowed in", "combined stack", "stack of", "tail_calls are"];
    for line in text.lines() {
        let f: Vec<_> = line.split('\t').collect();
        let bytes: Vec<u8> = (0..f[2].len()/2).map(|i| u8::from_str_radix(&f[2][2*i..2*i+2],16).unwrap()).collect();
        let mine = match Code::decode(&bytes) {
            Err(e) => format!("DECODE {e}"),
            Ok(code) => {
                let pt = table::by_name(f[1]).or_else(|| table::by_name("socket_filter")).unwrap();
                match check(&Program{code, aux: Aux::new(pt)}) { Ok(_) => "ok".into(), Err(e) => e.to_string() }
            }
        };
        let theirs = words.iter().any(|w| f[4].contains(w));
        if theirs || !(mine == "ok" || mine.starts_with("DECODE")) {
            println!("CORP {} {} | mine {} | kernel {} {}", if mine==f[4] {"SAME"} else {"DIFF"}, f[0], mine, f[3], f[4]);
        }
    }
}
