//! Callbacks and global functions of an object that clang made.

mod common;

use brolga::core::func::{Linkage, Param};
use brolga::{Engine, EngineKind, Load, Object, ObjectLoad, Packet};

const CALLBACKS: &[u8] = include_bytes!("objects/callbacks.o");

#[test]
fn both_engines_run_them() {
    let object = Object::parse(CALLBACKS).unwrap();
    let options = ObjectLoad::new().each(Load::new().engine(EngineKind::Both));
    let loaded = Engine::new().open_object(&object, options).load_all().unwrap_or_else(|e| panic!("{e}"));
    for kind in [EngineKind::Jit, EngineKind::Interp] {
        let mut packet = Packet::new(&[0; 64]).unwrap();
        let result = loaded.program("sums").unwrap().run_on(kind, &mut packet).unwrap();
        assert_eq!(result, 2 * (1 + 4 + 9 + 16 + 45) + 64, "{kind:?}");
    }
    let squares = loaded.map("squares").unwrap();
    assert_eq!(squares.lookup(&7_u32.to_ne_bytes()).unwrap().unwrap(), 49_u64.to_ne_bytes());
}

#[test]
fn functions_have_their_types() {
    let object = Object::parse(CALLBACKS).unwrap();
    let funcs = object.program("sums").unwrap().func_info().unwrap();
    let func = |name: &str| funcs.values().find(|func| func.name == name).unwrap();
    let pointee = |param: &Param| match param {
        Param::Pointer { to, .. } => (to.name.clone(), to.size),
        Param::Scalar | Param::Other(_) => panic!("a pointer"),
    };
    assert_eq!(func("twice").linkage, Linkage::Global);
    assert_eq!(pointee(&func("twice").params[0]), ("sum".to_owned(), Some(16)));
    assert_eq!(func("twice").params[1], Param::Scalar);
    assert_eq!(pointee(&func("length").params[0]).0, "xdp_md");
    assert_eq!(func("count").linkage, Linkage::Static);
    assert!(func("sums").returns_scalar);
}
