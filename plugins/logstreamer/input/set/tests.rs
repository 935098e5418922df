use std::fs::{File, FileTimes};

use super::*;

fn options(dir: &Path, file_match: &str) -> SetOptions {
    SetOptions {
        log_directory: dir.to_str().unwrap().into(),
        file_match: file_match.into(),
        differentiator: vec!["src".into()],
        ..SetOptions::default()
    }
}

fn files_in(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, *name).unwrap();
    }
    dir
}

fn names(dir: &Path, files: &[Arc<Path>]) -> Vec<String> {
    let root = fs::canonicalize(dir).unwrap();
    files.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect()
}

/// Per stream: name, then files.
fn found(dir: &Path, options: &SetOptions) -> Vec<(String, Vec<String>)> {
    let scan = LogstreamSet::new(options).unwrap().scan(&HashSet::new());
    assert_eq!(scan.problems, Vec::<String>::new());
    scan.streams.into_iter().map(|(name, files)| (name, names(dir, &files))).collect()
}

fn one(name: &str, files: &[&str]) -> Vec<(String, Vec<String>)> {
    vec![(name.into(), files.iter().map(|file| (*file).into()).collect())]
}

#[test]
fn numbers_count_as_numbers_and_downwards() {
    let dir = files_in(&["a.log", "a.log.1", "a.log.10", "a.log.2", "a.log.9", "xa.log"]);
    let mut options = options(dir.path(), r"a\.log\.?(?P<Seq>\d*)");
    options.priority = vec!["^Seq".into()];
    assert_eq!(
        found(dir.path(), &options),
        one("src", &["a.log.10", "a.log.9", "a.log.2", "a.log.1", "a.log"])
    );
}

#[test]
fn dates_by_month_name() {
    let dir = files_in(&[
        "x-2015-SEP-5",
        "x-2015-Jan-10",
        "x-2015-february-1",
        "x-2014-December-31",
        "x-2015-Jan-02",
    ]);
    let mut options = options(dir.path(), r"x-(?P<Year>\d+)-(?P<MonthName>\w+)-(?P<Day>\d+)");
    options.priority = ["Year", "MonthName", "Day"].map(String::from).to_vec();
    let order = ["x-2014-December-31", "x-2015-Jan-02", "x-2015-Jan-10", "x-2015-february-1", "x-2015-SEP-5"];
    assert_eq!(found(dir.path(), &options), one("src", &order));
}

#[test]
fn an_untranslated_value_comes_first() {
    let dir = files_in(&["y.high", "y.odd", "y.low"]);
    let mut options = options(dir.path(), r"y\.(?P<Level>[a-z]*)");
    options.priority = vec!["Level".into()];
    options.translation = [("Level".into(), [("low".into(), 1), ("high".into(), 3)].into())].into();
    assert_eq!(found(dir.path(), &options), one("src", &["y.odd", "y.low", "y.high"]));
}

#[test]
fn streams_by_captures_and_literals() {
    let dir = files_in(&[
        "db/nginx.log",
        "web/nginx.log",
        "web/nginx.log.1",
        "db/pg.log",
        "db/deep/x.log",
        "other.log",
    ]);
    let mut options = options(dir.path(), r"(?P<Host>[a-z]+)/(?P<App>\w+)\.log\.?(?P<Seq>\d*)");
    options.priority = vec!["^Seq".into()];
    options.differentiator = ["App", "-on-", "Host", ":x"].map(String::from).to_vec();
    let expected = [
        ("nginx-on-db:x", &["db/nginx.log"][..]),
        ("nginx-on-web:x", &["web/nginx.log.1", "web/nginx.log"]),
        ("pg-on-db:x", &["db/pg.log"]),
    ];
    assert_eq!(found(dir.path(), &options), expected.map(|(name, files)| one(name, files).remove(0)));
}

#[test]
fn a_group_name_used_twice() {
    let dir = files_in(&["0a1b/0a1b-json.log", "0a1b/0a1b-json.log.1"]);
    let mut options = options(dir.path(), r"(?P<Id>[^/]+)/(?P<Id>[^/]+)-json\.log\.?(?P<Seq>\d*)");
    options.priority = vec!["^Seq".into()];
    options.differentiator = vec!["Id".into()];
    let files = ["0a1b/0a1b-json.log.1", "0a1b/0a1b-json.log"];
    assert_eq!(found(dir.path(), &options), one("0a1b", &files));
}

#[test]
fn where_the_expression_is_anchored() {
    let dir = files_in(&["b.log", "b.log.old", "d.log", "xd.log", "e.log", "sub/f.log", "sub/.hidden"]);
    let of = |file_match: &str| {
        let mut options = options(dir.path(), file_match);
        options.priority = vec!["X".into()];
        found(dir.path(), &options).pop().map(|(_, files)| files).unwrap_or_default()
    };
    assert_eq!(of(r"b\.log"), ["b.log"]);
    assert_eq!(of(r"b\.log$"), ["b.log"]);
    assert_eq!(of(r"^b\.log"), [""; 0]);
    assert_eq!(of(r"sub/.*\.log"), ["sub/f.log"]);
    assert_eq!(of(r"/d\.log"), ["d.log"]);
    // The alternatives are not grouped: the second one may stand anywhere.
    assert_eq!(of(r"d\.log|e\.log"), ["d.log", "e.log"]);
}

#[test]
fn several_files_need_a_priority() {
    let dir = files_in(&["a.log", "a.log.1"]);
    let set = LogstreamSet::new(&options(dir.path(), r"a\.log\.?\d*")).unwrap();
    let scan = set.scan(&HashSet::new());
    assert!(scan.streams.is_empty());
    let root = fs::canonicalize(dir.path()).unwrap();
    let root = root.display();
    assert_eq!(
        scan.problems,
        [format!(
            "Found multiple logfiles without Priority to sort on for name: src, filematch: a\\.log\\.?\\d*$, \
             files: [  {root}/a.log {root}/a.log.1]"
        )]
    );
}

#[test]
fn old_files_are_left_out_unless_kept() {
    let dir = files_in(&["a.1", "a.2"]);
    let old = SystemTime::now() - Duration::from_secs(7200);
    let file = File::options().write(true).open(dir.path().join("a.1")).unwrap();
    file.set_times(FileTimes::new().set_modified(old)).unwrap();
    let mut options = options(dir.path(), r"a\.(?P<N>\d)");
    options.priority = vec!["N".into()];
    assert_eq!(found(dir.path(), &options), one("src", &["a.1", "a.2"]));
    options.oldest_duration = Duration::from_secs(3600);
    assert_eq!(found(dir.path(), &options), one("src", &["a.2"]));
    let kept: Arc<Path> = fs::canonicalize(dir.path()).unwrap().join("a.1").into();
    let scan = LogstreamSet::new(&options).unwrap().scan(&[kept].into());
    assert_eq!(names(dir.path(), &scan.streams["src"]), ["a.1", "a.2"]);
}

#[test]
fn pipes_and_directories_are_no_log_files_and_links_to_files_are() {
    let dir = files_in(&["real/a", "l/dir.log/inside"]);
    let l = dir.path().join("l");
    std::os::unix::fs::symlink(dir.path().join("real/a"), l.join("link.log")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("real"), l.join("linked-dir.log")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(l.join("socket.log")).unwrap();
    let mut options = options(&l, r"[^/]*\.log");
    options.priority = vec!["X".into()];
    assert_eq!(found(&l, &options), one("src", &["link.log"]));
}

#[test]
fn what_is_refused() {
    let dir = files_in(&[]);
    let error = |log_directory: &str, file_match: &str| {
        LogstreamSet::new(&SetOptions {
            log_directory: log_directory.into(),
            file_match: file_match.into(),
            ..SetOptions::default()
        })
        .unwrap_err()
    };
    let here = dir.path().to_str().unwrap();
    assert_eq!(error(here, ""), "`file_match` setting is required.");
    assert_eq!(error("/no/such/dir", "x"), "lstat /no: no such file or directory");
    assert!(error(here, "(").starts_with("error parsing regexp: "));
}
