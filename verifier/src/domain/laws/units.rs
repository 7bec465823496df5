//! Laws of the parts that are no lattice, and of what only 64 bits have.

use super::super::{sign_extend as sign_extend_scalar, zero_extend};
use super::random::scalar;
use super::*;

/// The laws' own meaning of an operator is that of `core`.
#[test]
fn meaning_is_eval() {
    let mut rng = Rng::new(3);
    for _ in 0..100_000 {
        let (x, y) = (rng.word(64), rng.word(64));
        for width in Width::ALL {
            for op in AluOp::ALL {
                let (ours, eval) = (eval_at(op, width.bits(), x, y), op.eval(width, x, y));
                assert_eq!(ours, eval, "{op:?} {width:?} {x:#x} {y:#x}");
            }
            for cond in Cond::ALL {
                assert_eq!(
                    holds(cond, width.bits(), x, y),
                    cond.eval(width, x, y),
                    "{cond:?} {width:?} {x:#x} {y:#x}"
                );
            }
        }
    }
}

/// The public operations on one register, against their meaning in `core`.
#[test]
fn unary_operations() {
    let mut rng = Rng::new(4);
    for _ in 0..6_000 {
        let a: Known<Scalar> = scalar(&mut rng);
        for x in &a.members {
            for width in Width::ALL {
                let negated = AluOp::Sub.eval(width, 0, *x);
                assert!(neg(width, &a.it).contains(negated), "{width:?} -{x:#x} of {a:?}");
            }
            for size in Size::ALL {
                assert!(zero_extend(size, &a.it).contains(size.zero_extend(*x)), "{size:?} {x:#x} of {a:?}");
                for width in Width::ALL {
                    let value = width.zero_extend(size.sign_extend(*x));
                    let extended = sign_extend_scalar(width, size, &a.it);
                    assert!(extended.contains(value), "{width:?} {size:?} {x:#x} of {a:?}: {extended:?}");
                }
                for order in Order::ALL {
                    let swapped = swap(order, size, &a.it);
                    assert!(
                        swapped.contains(order.eval(size, *x)),
                        "{order:?} {size:?} {x:#x} of {a:?}: {swapped:?}"
                    );
                }
            }
        }
    }
}

/// Whether the kernel follows what the operator does.
fn follows(op: AluOp, is_count: bool) -> bool {
    match op {
        AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::Or | AluOp::And | AluOp::Xor | AluOp::Mov => true,
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => is_count,
        AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => false,
    }
}

/// A constant in is a constant out, for every operator that is followed.
#[test]
fn constants_fold() {
    let mut rng = Rng::new(5);
    for _ in 0..10_000 {
        let (x, y) = (rng.word(64), rng.word(64));
        let (a, b) = (Scalar::constant(x), Scalar::constant(y));
        for width in Width::ALL {
            let bits = u64::from(width.bits());
            for op in AluOp::ALL.into_iter().filter(|op| follows(*op, y < bits)) {
                assert_eq!(alu(op, width, &a, &b).as_const(), Some(op.eval(width, x, y)), "{op:?} {width:?}");
            }
            for cond in Cond::ALL {
                assert_eq!(decide(cond, width, &a, &b), Some(cond.eval(width, x, y)));
            }
        }
    }
}

#[test]
fn display_is_the_kernels() {
    let shown = |scalar: Option<Scalar>| scalar.map(|scalar| scalar.to_string()).unwrap_or_default();
    assert_eq!(shown(Some(Scalar::UNKNOWN)), "");
    assert_eq!(shown(Some(Scalar::constant(7))), "7");
    assert_eq!(shown(Some(Scalar::constant(-7i64 as u64))), "-7");
    assert_eq!(shown(Some(Scalar::constant(1 << 40))), "0x10000000000");
    assert_eq!(
        shown(Scalar::from_unsigned_range(0, 255)),
        "smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)"
    );
    assert_eq!(
        shown(Scalar::from_unsigned_range(0, 0xffff_ffff)),
        "smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)"
    );
    assert_eq!(shown(Scalar::from_signed_range(-4, 3)), "smin=smin32=-4,smax=smax32=3");
}
