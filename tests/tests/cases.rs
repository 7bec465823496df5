//! Every case file on every engine that it names; see `brolga_tests::case`.
//!
//! `BLESS=1` rewrites the expectations of the files whose names contain the
//! filter, then runs them.

use brolga_tests::case::{Case, Engine, Outcome};
use libtest_mimic::{Arguments, Failed, Trial};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files = Vec::new();
    find(&root, &mut files)?;
    files.sort();
    let mut trials = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root)?.with_extension("").display().to_string();
        let blessed = std::env::var_os("BLESS").is_some()
            && arguments.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
        trials.extend(trials_of(&file, &name, blessed)?);
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "txt") {
            files.push(path);
        }
    }
    Ok(())
}

fn trials_of(file: &Path, name: &str, bless: bool) -> Result<Vec<Trial>, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let case = match Case::parse(&text) {
        Ok(case) if bless => rewrite(file, &case, &text)?,
        Ok(case) => case,
        Err(error) => {
            let said = error.to_string();
            return Ok(vec![Trial::test(name, move || Err(Failed::from(said)))]);
        }
    };
    let case = Arc::new(case);
    let trial = |engine: Engine| {
        let case = Arc::clone(&case);
        Trial::test(format!("{name}::{}", engine.name()), move || run(&case, engine))
    };
    Ok(case.engines().map(trial).collect())
}

fn rewrite(file: &Path, case: &Case, text: &str) -> Result<Case, Box<dyn Error>> {
    let blessed = case.blessed(text)?;
    if blessed != text {
        fs::write(file, &blessed)?;
    }
    Ok(Case::parse(&blessed)?)
}

fn run(case: &Case, engine: Engine) -> Result<(), Failed> {
    match case.ask(engine) {
        Ok(Outcome::Passed) => Ok(()),
        Ok(Outcome::Skipped) => {
            println!("skipped: no bpf(2)");
            Ok(())
        }
        Err(error) => Err(error.to_string().into()),
    }
}
