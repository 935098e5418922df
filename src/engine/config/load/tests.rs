use std::fs;

use super::*;

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

#[test]
fn a_file_becomes_its_sections() {
    let directory =
        directory(&[("any.name", "[hekad]\nmaxprocs = 3\n\n[out]\ntype = \"LogOutput\"\nstray = 1\n")]);
    let loaded = load(&directory.path().join("any.name")).unwrap();
    assert_eq!(loaded.hekad.maxprocs, 3);
    let sections: Vec<_> = loaded.files[0].sections.iter().map(|s| (s.name.as_str(), s.line)).collect();
    assert_eq!(sections, [("hekad", 1), ("out", 4)]);
}

#[test]
fn without_a_hekad_section_the_defaults_hold() {
    let directory = directory(&[("a.toml", "[out]\n")]);
    assert_eq!(load(&directory.path().join("a.toml")).unwrap().hekad, Hekad::default());
}

#[test]
fn a_directory_gives_its_toml_files_by_name_and_the_last_hekad_counts() {
    let directory = directory(&[
        ("b.toml", "[hekad]\nmaxprocs = 2\n"),
        ("a.toml", "[hekad]\nlog_flags = 0\n[one]\n"),
        (".hidden.toml", "[zero]\n"),
        ("c.conf", "not [ toml"),
    ]);
    let loaded = load(&directory.path().join("./")).unwrap();
    let names: Vec<_> = loaded.files.iter().map(|file| file.path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, [".hidden.toml", "a.toml", "b.toml"]);
    assert_eq!((loaded.hekad.maxprocs, loaded.hekad.log_flags), (2, 3));
}

#[test]
fn what_cannot_be_read_is_refused_in_go_s_words() {
    let directory = directory(&[]);
    fs::create_dir(directory.path().join("x.toml")).unwrap();
    let place = directory.path().display();
    assert_eq!(
        load(directory.path()).unwrap_err().to_string(),
        format!("read {place}/x.toml: is a directory")
    );
    let none = directory.path().join("none");
    assert_eq!(
        load(&none).unwrap_err().to_string(),
        format!("Error opening config file: open {place}/none: no such file or directory")
    );
}

#[test]
fn errors_tell_where_they_lie() {
    let directory = directory(&[
        ("syntax", "[out]\nx = T\n"),
        ("hekad", "\n[hekad]\nmaxprocs = 1\nNope = 1\n"),
        ("scalar", "\nhekad = 5\n"),
        ("environment", "# %ENV[A B]\n"),
    ]);
    #[track_caller]
    fn check(file: &Path, text: &str, line: u32, option: Option<&str>) {
        let error = load(file).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(error.place(), Some(Place { file, line, option }));
    }
    let text = "Error decoding config file: Near line 2, key 'out.x': Near line 2: Expected value but found 'T' instead.";
    check(&directory.path().join("syntax"), text, 2, None);
    let text = "Can't unmarshal config: Configuration contains key [nope] which doesn't exist in struct";
    check(&directory.path().join("hekad"), text, 4, Some("nope"));
    let text = "Can't unmarshal config: Type mismatch for main.HekadConfig. Expected map but found 'int64'.";
    check(&directory.path().join("scalar"), text, 2, None);
    let text = "Invalid characters in environmental variable";
    check(&directory.path().join("environment"), text, 0, None);
}

#[test]
fn bytes_that_are_no_utf_8_do_not_stop_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("latin1.toml");
    fs::write(&file, b"[a] # caf\xe9\nk = \"\xe9\"\n").unwrap();
    let loaded = load(&file).unwrap();
    let Value::Table(table) = &loaded.files[0].sections[0].value else { panic!("{loaded:?}") };
    assert_eq!(table.get("k"), Some(&Value::String("\u{fffd}".into())));
}
