use super::*;
use brolga_core::Code;
#[test]
fn corpus() {
    let text = std::fs::read_to_string("/tmp/live_corpus.txt").unwrap();
    let (mut same, mut diff, mut err) = (0, 0, 0);
    for line in text.lines() {
        let f: Vec<_> = line.split('\t').collect();
        let bytes: Vec<u8> =
            (0..f[0].len() / 2).map(|i| u8::from_str_radix(&f[0][2 * i..2 * i + 2], 16).unwrap()).collect();
        let Ok(code) = Code::decode(&bytes) else {
            err += 1;
            continue;
        };
        let p = Program { code, aux: Aux::new(table::by_name("socket_filter").unwrap()) };
        let st = match check(&p) {
            Ok(s) => s,
            Err(e) => {
                println!("CORP rej {e}");
                continue;
            }
        };
        for (n, theirs) in f[1].split(',').enumerate() {
            let mine: String = (0..10)
                .map(|r| {
                    if st.live_in(Pc(n as u32)).contains(brolga_core::Reg::ALL[r]) {
                        char::from(b'0' + r as u8)
                    } else {
                        '.'
                    }
                })
                .collect();
            if mine == theirs {
                same += 1
            } else {
                diff += 1;
                if diff < 20 {
                    println!("CORP {} kernel {theirs} mine {mine}", p.code.at(Pc(n as u32)).unwrap());
                }
            }
        }
    }
    println!("CORP same {same} diff {diff} err {err}");
}
