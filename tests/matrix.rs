//! `compat/matrix.toml` says what hekad 0.11 has and what of it is here. It must be true, and complete.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use heka_testkit::Scratch;
use heka_testkit::daemon::configure;
use serde::Deserialize;
use serde_json::Value;

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    plugin: BTreeMap<String, Plugin>,
    hekad: Options,
    common: BTreeMap<String, Common>,
    tls: Options,
    signals: BTreeMap<String, Thing>,
    tools: BTreeMap<String, Thing>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Is {
    Same,
    Better,
    Differs,
    Missing,
}

#[derive(Debug, Deserialize)]
struct Plugin {
    is: Is,
    why: Option<String>,
    #[serde(flatten)]
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    options: BTreeSet<String>,
    differs: BTreeMap<String, String>,
    missing: BTreeMap<String, String>,
    added: BTreeSet<String>,
}

impl Options {
    /// The options that must be there.
    fn here(&self) -> BTreeSet<String> {
        self.options.iter().chain(self.differs.keys()).chain(&self.added).cloned().collect()
    }

    /// What the two lists do not share.
    fn disagreement(&self, known: &Known) -> Vec<String> {
        let here = self.here();
        let not_there = here.iter().filter(|name| !known.all.contains(*name));
        let not_listed = known.first.iter().filter(|name| !here.contains(*name));
        let not_missing = self.missing.keys().filter(|name| known.all.contains(*name));
        let told = |what: &str, name: &String| format!("{name} {what}");
        not_there
            .map(|name| told("is not there", name))
            .chain(not_listed.map(|name| told("is not in the matrix", name)))
            .chain(not_missing.map(|name| told("is not missing", name)))
            .collect()
    }
}

/// A section that takes the options.
#[derive(Debug, Deserialize)]
struct Common {
    section: String,
    options: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Thing {
    is: Is,
    why: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
}

fn matrix() -> Matrix {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat/matrix.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn hekad(arguments: &[&str]) -> Output {
    Command::new(HEKAD).args(arguments).output().unwrap()
}

/// The names of options in a schema. Some have a second name, after a `|`.
#[derive(Debug)]
struct Known {
    first: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl Known {
    fn of(properties: &Value) -> Known {
        let names: Vec<String> = properties
            .as_object()
            .map(|all| all.keys().map(|name| name.to_lowercase()).collect())
            .unwrap_or_default();
        let first = names.iter().map(|name| name.split('|').next().unwrap().to_owned()).collect();
        let all = names.iter().flat_map(|name| name.split('|')).map(str::to_owned).collect();
        Known { first, all }
    }
}

fn schema(name: &str) -> Value {
    let output = hekad(&["explain", "--schema", name]);
    assert!(output.status.success(), "{name}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// All plugin types of this binary.
fn types() -> BTreeSet<String> {
    let output = hekad(&["explain"]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_plugin_type_is_as_the_matrix_says() {
    let (matrix, types) = (matrix(), types());
    for (name, plugin) in &matrix.plugin {
        assert_eq!(types.contains(name), plugin.is != Is::Missing, "{name}");
    }
    let unlisted: Vec<_> = types.iter().filter(|name| !matrix.plugin.contains_key(*name)).collect();
    assert!(unlisted.is_empty(), "not in the matrix: {unlisted:?}");
}

/// Options that the engine takes for every plugin of a kind, though a plugin may list them as its own.
fn common_names(matrix: &Matrix) -> BTreeSet<String> {
    let names = matrix.common.values().flat_map(|common| &common.options);
    names.map(|option| option.split(['.', ' ']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_option_is_as_the_matrix_says() {
    let matrix = matrix();
    let common = common_names(&matrix);
    let mut wrong = Vec::new();
    let here = matrix.plugin.iter().filter(|(_, plugin)| plugin.is != Is::Missing);
    for (name, plugin) in here {
        let mut known = Known::of(&schema(name)["properties"]);
        known.first.retain(|option| !common.contains(option));
        wrong.extend(plugin.options.disagreement(&known).into_iter().map(|why| format!("{name}: {why}")));
    }
    let daemon = Known::of(&schema("hekad")["properties"]);
    wrong.extend(matrix.hekad.disagreement(&daemon).into_iter().map(|why| format!("hekad: {why}")));
    let tcp = schema("TcpInput");
    let tls = tcp["$defs"].as_object().unwrap().values().map(|part| &part["properties"]);
    let tls = tls.map(Known::of).find(|known| known.all.contains("cert_file")).unwrap();
    wrong.extend(matrix.tls.disagreement(&tls).into_iter().map(|why| format!("tls: {why}")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_common_option_is_accepted() {
    let scratch = Scratch::new().unwrap();
    for (kind, common) in matrix().common {
        for option in &common.options {
            let config = format!("[x]\ntype = \"{kind}\"\n{}\n{}\n", common.section, nested(option));
            let path = configure(&scratch, &config).unwrap();
            let output = hekad(&["validate", "--config", path.to_str().unwrap()]);
            assert!(output.status.success(), "{config}{output:?}");
        }
    }
    // What nobody knows is refused: the test above would fail.
    let path = configure(&scratch, "[x]\ntype = \"CounterFilter\"\nnobody_knows_this = 1\n").unwrap();
    assert_eq!(hekad(&["validate", "--config", path.to_str().unwrap()]).status.code(), Some(1));
}

/// `a.b = c` as Heka's dialect of TOML wants it.
fn nested(option: &str) -> String {
    match option.split_once(" = ").unwrap().0.split_once('.') {
        Some((table, _)) => format!("[x.{table}]\n{}", &option[table.len() + 1..]),
        None => option.to_owned(),
    }
}

#[test]
fn every_tool_has_its_flags() {
    for (name, tool) in matrix().tools {
        let path = Path::new(HEKAD).with_file_name(&name);
        let output = Command::new(&path).arg("-h").output().unwrap();
        let usage = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let flags: Vec<&str> = usage
            .lines()
            .filter_map(|line| line.strip_prefix("  -"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(flags, tool.flags, "{name}: {usage}");
    }
}

#[test]
fn what_is_not_the_same_has_a_reason() {
    let matrix = matrix();
    let things = matrix.signals.iter().chain(&matrix.tools).map(|(name, thing)| (name, thing.is, &thing.why));
    let plugins = matrix.plugin.iter().map(|(name, plugin)| (name, plugin.is, &plugin.why));
    for (name, is, why) in things.chain(plugins) {
        let why = why.as_deref().unwrap_or_default();
        assert!((is == Is::Same) == why.is_empty(), "{name}: {why:?}");
    }
}
