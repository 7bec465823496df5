//! Legacy packet loads.

use super::Translator;
use brolga_core::insn::RegSet;
use brolga_core::{PacketAt, Reg, Size, Width};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};

impl Translator<'_, '_> {
    /// A load outside the packet ends the subprogram with 0.
    pub(super) fn load_packet(&mut self, size: Size, at: PacketAt, imm: i32) {
        let ctx = self.wide(Reg::R6);
        let off = match at {
            PacketAt::Abs => self.number(Width::W64, imm as u64),
            PacketAt::Ind(src) => {
                let base = self.narrow(src);
                let off = self.b.ins().iadd_imm_s(base, i64::from(imm));
                self.b.ins().sextend(types::I64, off)
            }
        };
        let size = self.number(Width::W64, size.bytes().into());
        let hook = self.linked().exec().hooks.load_packet as usize as u64;
        let value = self.call_address(hook, &[ctx, off, size]);
        let outside = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, value, 0);
        let (fails, goes_on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(outside, fails, &[], goes_on, &[]);
        self.b.seal_block(fails);
        self.b.seal_block(goes_on);
        self.b.set_cold_block(fails);
        self.b.switch_to_block(fails);
        let zero = self.number(Width::W64, 0);
        self.b.ins().return_(&[zero]);
        self.b.switch_to_block(goes_on);
        self.lose(RegSet::CALLER_SAVED);
        self.set_wide(Reg::R0, value);
    }
}
