use super::*;

/// The marks of each instruction: a letter for each, none for the second slot of
/// a 64-bit load.
#[track_caller]
fn marks_are(text: &str, expected: &[&str]) {
    let (program, structure) = (program(text), structure(text));
    let letters = [
        (Marks::PRUNE_POINT, 'p'),
        (Marks::FORCE_CHECKPOINT, 'f'),
        (Marks::JUMP_POINT, 'j'),
        (Marks::JUMP_TARGET, 't'),
        (Marks::LOOP_HEADER, 'l'),
        (Marks::CALLS_CALLBACK, 'c'),
    ];
    let of =
        |pc| letters.iter().filter(|m| structure.marks(pc).contains(m.0)).map(|m| m.1).collect::<String>();
    let found: Vec<String> = program.code.iter().map(|(pc, _)| of(pc)).collect();
    assert_eq!(found, expected);
}

#[test]
fn jumps_and_where_they_lead() {
    marks_are("r0 = 0\n r1 = 0\n exit", &["", "", ""]);
    marks_are("r0 = 0\n goto pc+0\n exit", &["", "", "pjt"]);
    marks_are("r0 = 0\n if r0 == 0 goto e\n r0 = 1\n e: exit", &["", "p", "", "pjt"]);
    marks_are("l: r0 = 0\n if r0 == 0 goto l\n exit", &["pjtl", "p", ""]);
    marks_are("l: r0 = 0\n may_goto e\n goto l\n e: exit", &["pjtl", "pf", "", "pjt"]);
}

#[test]
fn calls_and_where_they_return() {
    marks_are("r0 = 1 ll\n call 7\n exit", &["", "", "pj"]);
    marks_are("call s\n exit\n s: r0 = 0\n exit", &["p", "pj", "pjt", ""]);
    // Calls in a circle are no loop.
    marks_are("r0 = 0\n call pc-2\n exit", &["pjt", "p", "pj"]);
    let callback = "r2 = subprog[c]\n r1 = 9\n r3 = 0\n r4 = 0\n call bpf_loop\n exit\n c: r0 = 0\n exit";
    marks_are(callback, &["p", "pj", "", "", "pfjc", "pj", "pjt", ""]);
    // The callback of a timer runs later.
    let timer = "r2 = subprog[c]\n call bpf_timer_set_callback\n exit\n c: r0 = 0\n exit";
    marks_are(timer, &["p", "pj", "pj", "pjt", ""]);
}

/// Each cycle has a header: also one that is entered in its middle, and one in
/// another.
#[test]
fn loops_have_headers() {
    let headers = |text: &str| {
        let (program, structure) = (program(text), structure(text));
        let places = program
            .code
            .iter()
            .map(|(pc, _)| pc)
            .filter(|pc| structure.marks(*pc).contains(Marks::LOOP_HEADER));
        places.map(|pc| pc.0).collect::<Vec<_>>()
    };
    assert_eq!(headers("a: goto a"), [0]);
    assert_eq!(headers("a: r0 = 0\n b: r0 = 1\n if r0 == 1 goto b\n if r0 == 2 goto a\n exit"), [0, 1]);
    assert_eq!(headers("r0 = 0\n if r0 == 0 goto m\n a: r0 = 1\n m: r0 = 2\n if r0 == 3 goto a\n exit"), [2]);
    assert_eq!(headers("r0 = 0\n if r0 == 0 goto pc+1\n r0 = 1\n exit"), [0; 0]);
}

#[test]
fn subprograms_say_what_they_do() {
    let text = "
        call a
        call b
        exit
     a: r0 = 0
        l: may_goto e
        goto l
     e: exit
     b: r6 = r1
        call c
        exit
     c: call bpf_skb_pull_data
        exit";
    let structure = structure(text);
    let all = structure.subprogs();
    let numbers = |f: fn(&Subprogram) -> bool| (0..4).filter(|i| f(&all[*i])).collect::<Vec<_>>();
    assert_eq!(numbers(|s| s.has_may_goto), [1]);
    assert_eq!(numbers(|s| s.changes_packet), [0, 2, 3]);
    assert_eq!(all.iter().map(|s| s.range.start.0).collect::<Vec<_>>(), [0, 3, 7, 10]);
    let of = |pc| structure.subprog_of(Pc(pc)).0;
    assert_eq!([0, 2, 3, 6, 7, 9, 10, 11].map(of), [0, 0, 1, 1, 2, 2, 3, 3]);
    assert_eq!(structure.subprog_at(Pc(7)), Some(SubprogId(2)));
    assert_eq!(structure.subprog_at(Pc(8)), None);
    assert_eq!(all[0].callees.iter().map(|e| (e.to.0, e.called)).collect::<Vec<_>>(), [(1, true), (2, true)]);
    assert_eq!(structure.subprog(SubprogId(2)).callees[0].to, SubprogId(3));
}

/// A tail call may run a program that moves the packet, and so may a callback.
#[test]
fn the_packet_changes_through_tail_calls_and_callbacks() {
    let changes =
        |text: &str| structure(text).subprogs().iter().map(|s| s.changes_packet).collect::<Vec<_>>();
    assert_eq!(changes("call bpf_tail_call\n r0 = 0\n exit"), [true]);
    assert_eq!(changes("call bpf_get_prandom_u32\n exit"), [false]);
    let text = "r2 = subprog[c]\n call bpf_loop\n exit\n c: call bpf_skb_pull_data\n exit";
    assert_eq!(changes(text), [true, true]);
}
