//! `message_matcher` expressions.
//!
//! ```text
//! spec  := expr | spec expr                     juxtaposed expressions: only the last one counts
//! expr  := '(' expr ')' | expr '&&' expr | expr '||' expr | test | TRUE | FALSE
//! test  := (Uuid|Type|Logger|Payload|EnvVersion|Hostname) relation STRING
//!        | (Uuid|Type|Logger|Payload|EnvVersion|Hostname) (=~ | !~) REGEXP
//!        | (Timestamp|Severity|Pid) relation NUMBER
//!        | Fields[name][index][value] relation (NUMBER | STRING)
//!        | Fields[name][index][value] == (TRUE | FALSE)
//!        | Fields[name][index][value] (== | !=) NIL
//!        | Fields[name][index][value] (=~ | !~) REGEXP
//! ```

mod by_type;
mod compare;
mod eval;
mod lexer;
mod parser;
mod program;

use thiserror::Error;

use crate::view::MessageView;
use program::Program;

/// A syntax error in a matcher, in the original's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("syntax error: last token: {last_token} pos: {position}")]
pub struct MatcherError {
    /// Text of the last identifier, number, string or regular expression read.
    pub last_token: String,
    /// Bytes read, one character of lookahead included.
    pub position: usize,
    /// Lines that the original logged before it failed, such as `invalid regexp (`.
    pub warnings: Vec<String>,
}

/// A compiled message matcher.
#[derive(Debug)]
pub struct Matcher {
    text: String,
    program: Program,
    warnings: Vec<String>,
}

impl Matcher {
    /// Compiles an expression.
    ///
    /// # Errors
    /// On a syntax error, and on the empty expression.
    pub fn parse(text: &str) -> Result<Matcher, MatcherError> {
        let mut warnings = Vec::new();
        match parser::parse(text, &mut warnings) {
            Ok(program) => Ok(Matcher { text: text.to_owned(), program, warnings }),
            Err((last_token, position)) => Err(MatcherError { last_token, position, warnings }),
        }
    }

    /// Whether the message matches.
    #[inline]
    pub fn matches(&self, message: &MessageView<'_>) -> bool {
        eval::run(&self.program, message)
    }

    /// Whether no message of this `Type` (empty for none) matches, whatever else is in it. False where that is not
    /// clear from the `Type` alone.
    pub fn refuses_type(&self, msg_type: &[u8]) -> bool {
        by_type::refuses(&self.program, msg_type)
    }

    /// Lines that the original logs although it accepts the expression, such as `error converting 5-3`.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
