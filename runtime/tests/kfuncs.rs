//! Kernel functions of an object that clang made.

mod common;

use brolga::{Engine, EngineKind, Load, Object, ObjectLoad, Packet};

const KFUNCS: &[u8] = include_bytes!("objects/kfuncs.o");

#[test]
fn both_engines_run_them() {
    let object = Object::parse(KFUNCS).unwrap();
    let options = ObjectLoad::new().each(Load::new().engine(EngineKind::Both));
    let program = Engine::new().open_object(&object, options).load("rows").unwrap_or_else(|e| panic!("{e}"));
    let bytes: Vec<u8> = (0..64).collect();
    let sum: u64 = (0..32).map(|at| at * (at % 8 + 1)).sum();
    for kind in [EngineKind::Jit, EngineKind::Interp] {
        let mut packet = Packet::new(&bytes).unwrap();
        assert_eq!(program.run_on(kind, &mut packet).unwrap(), sum + 1, "{kind:?}");
    }
}

#[test]
fn one_that_there_is_not_is_named() {
    let object = Object::parse(KFUNCS).unwrap();
    let error = Engine::new().open_object(&object, ObjectLoad::new()).load("unknown").unwrap_err();
    assert!(error.to_string().contains("kernel function bpf_iter_task_new"), "{error}");
    let names: Vec<_> = object.program("rows").unwrap().kfuncs().unwrap().values().cloned().collect();
    assert_eq!(names.len(), 7, "{names:?}");
}
