//! `brolga check`: requests in, answers out, a line each.
//!
//! No line stops it: one that can not be understood is answered with an error
//! of the stage `request`, and one that makes us panic with one of the kind
//! `Panic`, of the stage `verify`, `compile` or `run`.

mod answer;
mod batch;
mod lines;
mod program;
mod request;
mod runs;

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use answer::Answer;
use lines::{Line, Lines};
use program::Prepared;
use request::Request;
use serde_json::Value;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Answers until the input ends.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let mut lines = Lines::new(io::stdin().lock());
    let mut output = Output::new();
    let mut number = 0;
    loop {
        number += 1;
        let answer = match lines.next().map_err(|error| Failure::input("standard input", error))? {
            Line::End => return Ok(Outcome::Done),
            Line::TooLong => Answer::bad_request(Value::Null, number, "TooLong", &lines::TOO_LONG),
            Line::Text(text) => answer(text, number),
        };
        output.json(&answer)?;
        output.flush()?;
    }
}

/// The answer to a line.
fn answer(text: &[u8], number: u64) -> Answer {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => return Answer::bad_request(Value::Null, number, "Json", &error),
    };
    let id = value.get("id").cloned().unwrap_or_default();
    caught(id.clone(), |stage| match serde_json::from_value::<Request>(value) {
        Ok(request) => check(&request, id, number, stage),
        Err(error) => Answer::bad_request(id, number, "Form", &error),
    })
}

/// What the stage under way is called in errors.
type Stage = Cell<&'static str>;

/// An answer also where making it panics: of the stage that was under way.
fn caught(id: Value, answer: impl FnOnce(&Stage) -> Answer) -> Answer {
    let stage = Cell::new("verify");
    catch_unwind(AssertUnwindSafe(|| answer(&stage))).unwrap_or_else(|_| Answer::panicked(id, stage.get()))
}

/// The verdict, and what the runs gave.
fn check(request: &Request, id: Value, number: u64, stage: &Stage) -> Answer {
    let prepared = match Prepared::new(request) {
        Ok(prepared) => prepared,
        Err(program::Refusal::Request(why)) => return Answer::bad_request(id, number, "Form", &why),
        Err(program::Refusal::Unsupported { stage, kind, what }) => {
            return Answer::unsupported(id, stage, kind, what);
        }
    };
    let mut answer = prepared.verdict(id);
    if answer.accepted() {
        runs::add(request, &prepared, &mut answer, stage);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::{Answer, caught};
    use serde_json::Value;

    #[test]
    fn a_panic_is_one_of_the_stage_under_way() {
        let panics = |at: Option<&'static str>| -> Answer {
            caught(Value::from(7), |stage| {
                stage.set(at.unwrap_or(stage.get()));
                panic!("a bug")
            })
        };
        for (at, named) in [(None, "verify"), (Some("compile"), "compile")] {
            let answer = serde_json::to_value(panics(at)).unwrap();
            assert_eq!((&answer["id"], &answer["error"]["stage"]), (&7.into(), &named.into()));
            assert_eq!((&answer["verdict"], &answer["error"]["kind"]), (&"reject".into(), &"Panic".into()));
        }
    }
}
