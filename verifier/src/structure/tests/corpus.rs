use super::*;
use brolga_core::Code;
use std::time::Instant;
#[test]
fn corpus() {
    let text = std::fs::read_to_string("/tmp/structure_corpus.txt").unwrap();
    let mut ps = vec![];
    for line in text.lines() {
        let f: Vec<_> = line.split('\t').collect();
        let bytes: Vec<u8> =
            (0..f[2].len() / 2).map(|i| u8::from_str_radix(&f[2][2 * i..2 * i + 2], 16).unwrap()).collect();
        if let Ok(code) = Code::decode(&bytes) {
            ps.push(Program {
                code,
                aux: Aux::new(table::by_name(f[1]).or_else(|| table::by_name("socket_filter")).unwrap()),
            });
        }
    }
    let mut best = f64::MAX;
    let n: usize = ps.iter().map(|p| p.code.len()).sum();
    for _ in 0..50 {
        let t = Instant::now();
        for p in &ps {
            std::hint::black_box(check(p)).ok();
        }
        best = best.min(t.elapsed().as_secs_f64());
    }
    println!(
        "CORP {} progs {} slots: {:.2} us/prog {:.1} ns/slot",
        ps.len(),
        n,
        best * 1e6 / ps.len() as f64,
        best * 1e9 / n as f64
    );
    let big = |name: &str, text: String| {
        let p = program(&text);
        let t = Instant::now();
        let s = check(&p);
        println!(
            "CORP {name} {} slots {:.1} ms {}",
            p.code.len(),
            t.elapsed().as_secs_f64() * 1e3,
            s.is_ok()
        );
    };
    let n = 500_000;
    big("straight", format!("{}r0 = 0\n exit", "r1 = 1\n".repeat(n)));
    big("branches", format!("r0 = 0\n{}exit", "if r1 == 0 goto pc+1\n r2 = 1\n".repeat(n / 2)));
    big(
        "back",
        format!("r0 = 0\n r5 = 0\n{}r0 = r1\n exit", "r1 = r2\n if r5 == 0 goto pc-2\n".repeat(n / 2)),
    );
    big(
        "stack",
        format!(
            "r0 = 0\n{}exit",
            "*(u64 *)(r10 - 8) = r0\n if r5 == 0 goto pc+1\n r3 = *(u64 *)(r10 - 16)\n".repeat(n / 3)
        ),
    );
    // nested loops, 10000 deep
    let d = 10000;
    let mut t = String::from("r0 = 0\n r2 = r10\n");
    for i in 0..d {
        t += &format!("l{i}: r2 += -8\n");
    }
    for i in (0..d).rev() {
        t += &format!("if r0 == {i} goto l{i}\n");
    }
    t += "r0 = *(u64 *)(r10 - 8)\n exit";
    big("nest", t);
    // information must go up many back edges one after another
    let mut t = String::from("r0 = 0\n");
    let d = 20000usize;
    for i in 0..d {
        let up = i.saturating_sub(1 + (i * 7919) % 5000);
        t += &format!(
            "a{i}: if r1 == 0 goto b{i}\n r2 = *(u64 *)(r10 - {})\n exit\n b{i}: if r3 == 0 goto a{up}\n",
            8 * (i % 64 + 1)
        );
    }
    t += "exit";
    big("mesh", t);
}
