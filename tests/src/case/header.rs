//! The header of a case file: `;! key = value ...` lines.
//!
//! A value is a text in quotes, a number (decimal or `0x` hexadecimal, maybe
//! negative), or a list of either in brackets.

use super::CaseError;

/// A value of a header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    List(Vec<Value>),
}

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: Value,
}

impl Entry {
    pub(super) fn wrong(&self, what: &'static str) -> CaseError {
        CaseError::Header { line: self.line, what }
    }

    pub(super) fn text(&self) -> Result<&str, CaseError> {
        match &self.value {
            Value::Text(text) => Ok(text),
            Value::Number(_) | Value::List(_) => Err(self.wrong("a text in quotes is needed")),
        }
    }

    pub(super) fn number(&self) -> Result<u64, CaseError> {
        match self.value {
            Value::Number(number) => Ok(number),
            Value::Text(_) | Value::List(_) => Err(self.wrong("a number is needed")),
        }
    }

    pub(super) fn numbers(&self) -> Result<Vec<u64>, CaseError> {
        let number = |v: &Value| match v {
            Value::Number(number) => Ok(*number),
            Value::Text(_) | Value::List(_) => Err(self.wrong("a list of numbers is needed")),
        };
        match &self.value {
            Value::List(list) => list.iter().map(number).collect(),
            Value::Text(_) | Value::Number(_) => Err(self.wrong("a list of numbers is needed")),
        }
    }

    pub(super) fn texts(&self) -> Result<Vec<String>, CaseError> {
        let text = |v: &Value| match v {
            Value::Text(text) => Ok(text.clone()),
            Value::Number(_) | Value::List(_) => Err(self.wrong("a list of texts is needed")),
        };
        match &self.value {
            Value::List(list) => list.iter().map(text).collect(),
            Value::Text(_) | Value::Number(_) => Err(self.wrong("a list of texts is needed")),
        }
    }
}

/// The entries of a line after its `;!`.
pub(super) fn entries(line: usize, mut rest: &str) -> Result<Vec<Entry>, CaseError> {
    let mut entries = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(entries);
        }
        let fault = CaseError::Header { line, what: "`key = value` is needed" };
        let (key, after) = rest.split_once('=').ok_or(fault)?;
        let (value, after) = value(line, after.trim_start())?;
        entries.push(Entry { line, key: key.trim().to_owned(), value });
        rest = after;
    }
}

fn value(line: usize, text: &str) -> Result<(Value, &str), CaseError> {
    match text.strip_prefix('[') {
        Some(list) => {
            let unclosed = CaseError::Header { line, what: "the list has no end" };
            let (list, after) = list.split_once(']').ok_or(unclosed)?;
            let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
            let items = items.map(|item| scalar(line, item).map(|(value, _)| value));
            Ok((Value::List(items.collect::<Result<_, _>>()?), after))
        }
        None => scalar(line, text),
    }
}

fn scalar(line: usize, text: &str) -> Result<(Value, &str), CaseError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let unclosed = CaseError::Header { line, what: "the text has no end" };
        let (inside, after) = quoted.split_once('"').ok_or(unclosed)?;
        return Ok((Value::Text(inside.to_owned()), after));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let number = number(&text[..end]).ok_or(CaseError::Header { line, what: "that is no number" })?;
    Ok((Value::Number(number), &text[end..]))
}

/// A number of 64 bits, negative ones as two's complement.
pub(super) fn number(text: &str) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { value.wrapping_neg() } else { value })
}
