//! What a misspelt name was meant to be; successors of old types and options.

/// The name of `names` that is nearest to `wrong`, if it is near enough to be what was meant.
pub(crate) fn closest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower: Vec<char> = wrong.to_lowercase().chars().collect();
    let limit = (lower.len() / 3).clamp(1, 3);
    let near = names.map(|name| {
        let other: Vec<char> = name.to_lowercase().chars().collect();
        (distance(&lower, &other), name)
    });
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

/// How many letters must be inserted, removed, replaced, or swapped with their neighbour to make `b` of `a`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(from != to);
            let mut best = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

/// What takes the place of a type that older releases had.
pub(super) fn successor_of_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "LogfileInput" | "LogfileDirectoryManagerInput" => {
            "LogstreamerInput has taken its place: log_directory and file_match instead of logfile"
        }
        "PayloadJsonDecoder" | "JsonDecoder" => "a SandboxDecoder with filename = \"lua_decoders/json.lua\"",
        "DockerInput" => "its successor is DockerLogInput",
        "StatsdDecoder" => "StatsdInput with StatAccumInput",
        "AMPQInput" => "the name is AMQPInput",
        _ => return None,
    })
}

/// What takes the place of an option that older releases had.
pub(super) fn successor_of_option(type_name: &str, option: &str) -> Option<&'static str> {
    let option = option.to_ascii_lowercase();
    Some(match (type_name, option.as_str()) {
        (_, "parser_type" | "delimiter" | "delimiter_location" | "delimiter_eol")
            if type_name.ends_with("Input") =>
        {
            "splitting has moved to splitters: name one in `splitter`, such as a TokenSplitter or RegexSplitter section"
        }
        (_, "decoders") => "an input has one `decoder`; for several name a MultiDecoder section",
        ("LogOutput" | "SmtpOutput" | "FileOutput", "payload_only") => {
            "formats have moved to encoders: set `encoder` to a PayloadEncoder section, or RstEncoder for whole messages"
        }
        ("FileOutput", "format" | "prefix_ts") => {
            "formats have moved to encoders: set `encoder` to PayloadEncoder, ProtobufEncoder or a SandboxEncoder section"
        }
        ("ElasticSearchOutput", "format" | "index" | "type_name" | "fields" | "timestamp" | "id") => {
            "it has moved to the encoder: an ESJsonEncoder or ESLogstashV0Encoder section"
        }
        (_, "queue_max_buffer_size" | "queue_full_action" | "queue_max_file_size") => {
            "the name is now `max_buffer_size`, `full_action` or `max_file_size` in the section's `buffering` sub-table"
        }
        ("MultiDecoder", "order" | "delegate") => {
            "the decoders are named in `subs`, each with a section of its own"
        }
        ("SandboxDecoder" | "SandboxFilter" | "SandboxEncoder", "instruction_limits") => {
            "the name is `instruction_limit`"
        }
        (_, "decoder_poolsize" | "decoder_source") => "there are no such pools since hekad 0.5: remove it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(a: &str, b: &str) -> usize {
        distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(of("", ""), 0);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("adress", "address"), 1);
        assert_eq!(of("AMPQ", "AMQP"), 1);
        assert_eq!(of("kitten", "sitting"), 3);
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["address", "use_tls", "net"];
        let closest = |wrong| closest(wrong, names.into_iter());
        assert_eq!(closest("adress"), Some("address"));
        assert_eq!(closest("Use_TLS"), Some("use_tls"));
        assert_eq!(closest("nte"), Some("net"));
        assert_eq!(closest("port"), None);
        assert_eq!(closest("x"), None);
    }
}
