//! `brolga check`: requests in, answers out, a line each.
//!
//! No line stops it: one that can not be understood is answered with an error
//! of the stage `request`, and a request that makes the verifier panic with one
//! of the kind `Panic`.

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
    let checked = catch_unwind(AssertUnwindSafe(|| match serde_json::from_value::<Request>(value) {
        Ok(request) => check(&request, id.clone(), number),
        Err(error) => Answer::bad_request(id.clone(), number, "Form", &error),
    }));
    checked.unwrap_or_else(|_| Answer::panicked(id))
}

/// The verdict, and what the runs gave.
fn check(request: &Request, id: Value, number: u64) -> Answer {
    let prepared = match Prepared::new(request) {
        Ok(prepared) => prepared,
        Err(program::Refusal::Request(why)) => return Answer::bad_request(id, number, "Form", &why),
        Err(program::Refusal::Unsupported { stage, kind, what }) => {
            return Answer::unsupported(id, stage, kind, what);
        }
    };
    let mut answer = prepared.verdict(id);
    if answer.accepted() {
        runs::add(request, &prepared, &mut answer);
    }
    answer
}
