//! Which sandbox has put out what.

use heka_message::golang::write_json_string;

/// Files that are kept track of. A sandbox that makes up names does not fill memory and disk.
const FILES_MAX: usize = 10_000;
/// Longest part of a file's name that comes from a payload's name.
const NAME_MAX: usize = 64;
/// Longest part that comes from a logger.
const LOGGER_MAX: usize = 120;

struct Listed {
    logger: Vec<u8>,
    name: Vec<u8>,
    file: String,
}

/// The outputs of sandboxes since the start, in the order in which they came.
#[derive(Default)]
pub(super) struct Sandboxes(Vec<Listed>);

impl Sandboxes {
    /// Notes an output and gives the name of its file.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn note(&mut self, logger: &[u8], name: &[u8], payload_type: &[u8]) -> Result<String, String> {
        let file = file_name(logger, name, payload_type);
        if let Some(known) = self.0.iter_mut().find(|known| known.file == file) {
            known.name = name.into();
            return Ok(file);
        }
        if self.0.len() >= FILES_MAX {
            return Err(format!("more than {FILES_MAX} outputs of sandboxes: others are not shown"));
        }
        self.0.push(Listed { logger: logger.into(), name: name.into(), file: file.clone() });
        Ok(file)
    }

    /// Forgets a sandbox.
    pub(super) fn remove(&mut self, logger: &[u8]) {
        self.0.retain(|listed| listed.logger != logger);
    }

    /// The list as Heka writes it.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut out = b"{\"sandboxes\":[".to_vec();
        let mut loggers: Vec<&[u8]> = Vec::new();
        for listed in &self.0 {
            if !loggers.contains(&listed.logger.as_slice()) {
                loggers.push(&listed.logger);
            }
        }
        for (at, logger) in loggers.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{\"Name\":" } else { b",{\"Name\":" });
            write_json_string(logger, &mut out);
            out.extend_from_slice(b",\"Outputs\":[");
            let of_logger = self.0.iter().filter(|listed| listed.logger == *logger);
            for (at, listed) in of_logger.enumerate() {
                out.extend_from_slice(if at == 0 { b"{\"Name\":" } else { b",{\"Name\":" });
                write_json_string(&listed.name, &mut out);
                out.extend_from_slice(b",\"Filename\":");
                write_json_string(format!("data/{}", listed.file).as_bytes(), &mut out);
                out.push(b'}');
            }
            out.extend_from_slice(b"]}");
        }
        out.extend_from_slice(b"]}\n");
        out
    }
}

/// `<logger>.<name>.<type>`. Of name and type only letters, digits and underscores stay. A logger's name is what a message
/// says: nothing in it leads out of the folder.
fn file_name(logger: &[u8], name: &[u8], payload_type: &[u8]) -> String {
    let logger: String = String::from_utf8_lossy(logger)
        .chars()
        .map(|character| if character == '/' || character.is_control() { '_' } else { character })
        .collect();
    let end = (0..=logger.len().min(LOGGER_MAX)).rev().find(|at| logger.is_char_boundary(*at));
    let logger = logger.get(..end.unwrap_or(0)).unwrap_or_default();
    let words = |text: &[u8]| -> String {
        let word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        text.iter().filter(word).take(NAME_MAX).map(|byte| char::from(*byte)).collect()
    };
    match format!("{logger}.{}.{}", words(name), words(payload_type)) {
        // That is the folder above.
        dots if dots == ".." => "_..".into(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_stripped() {
        assert_eq!(file_name(b"good", b"Graph Name!", b"txt"), "good.GraphName.txt");
        assert_eq!(file_name(b"good", b"", b"cbuf"), "good..cbuf");
        assert_eq!(file_name(b"../../etc/x", b"../a", b"/b"), ".._.._etc_x.a.b");
        assert_eq!(file_name(b"", b"", b""), "_..");
        assert_eq!(file_name(b"", "é".as_bytes(), &[b'x'; 99]).len(), 2 + NAME_MAX);
    }

    #[test]
    fn the_list_is_in_the_order_of_first_sight() {
        let mut sandboxes = Sandboxes::default();
        assert_eq!(sandboxes.json(), b"{\"sandboxes\":[]}\n");
        sandboxes.note(b"b", b"one", b"txt").unwrap();
        sandboxes.note(b"a", b"<&", b"cbuf").unwrap();
        sandboxes.note(b"b", b"", b"txt").unwrap();
        sandboxes.note(b"b", b"one", b"txt").unwrap();
        let json = String::from_utf8(sandboxes.json()).unwrap();
        assert_eq!(
            json,
            "{\"sandboxes\":[{\"Name\":\"b\",\"Outputs\":[{\"Name\":\"one\",\"Filename\":\"data/b.one.txt\"},\
             {\"Name\":\"\",\"Filename\":\"data/b..txt\"}]},{\"Name\":\"a\",\"Outputs\":[{\"Name\":\"\\u003c\\u0026\",\
             \"Filename\":\"data/a..cbuf\"}]}]}\n"
        );
        sandboxes.remove(b"b");
        assert!(!String::from_utf8(sandboxes.json()).unwrap().contains("\"b\""));
    }

    #[test]
    fn there_is_an_end_to_names() {
        let mut sandboxes = Sandboxes::default();
        for number in 0..FILES_MAX {
            sandboxes.note(b"x", number.to_string().as_bytes(), b"txt").unwrap();
        }
        assert!(sandboxes.note(b"x", b"new", b"txt").is_err());
        assert!(sandboxes.note(b"x", b"7", b"txt").is_ok());
    }

    proptest! {
        #[test]
        fn any_name_is_a_file_in_the_folder(logger: Vec<u8>, name: Vec<u8>, kind: Vec<u8>) {
            let file = file_name(&logger, &name, &kind);
            prop_assert!(!file.contains('/') && !file.contains('\0') && file != "." && file != "..");
            prop_assert!(file.len() <= 255 && !file.is_empty());
        }
    }
}
