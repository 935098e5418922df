//! Tokens to a program: an operator-precedence parser with its own stack, so that no nesting is too deep.

use super::lexer::{Lexer, Token};
use super::program::{Condition, Fragment, Operand, Program};

/// Last token and position of a syntax error.
pub(super) type SyntaxError = (String, usize);

/// What waits on the stack for its right side.
enum Pending {
    Open,
    And(Fragment),
    Or(Fragment),
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    program: Program,
    pending: Vec<Pending>,
}

/// Parses a whole specification; lines to log go to `warnings` in either case.
pub(super) fn parse(text: &str, warnings: &mut Vec<String>) -> Result<Program, SyntaxError> {
    let mut parser = Parser { lexer: Lexer::new(text), program: Program::default(), pending: Vec::new() };
    let parsed = parser.specification();
    warnings.append(&mut parser.lexer.warnings);
    match parsed {
        Some(()) => {
            parser.program.skip_constants();
            Ok(parser.program)
        }
        None => Err((parser.lexer.last_token, parser.lexer.position)),
    }
}

/// Every method returns `None` right after reading the token that cannot stand where it does.
impl Parser<'_> {
    fn specification(&mut self) -> Option<()> {
        let mut token = self.lexer.next();
        loop {
            let (whole, next) = self.expression(token)?;
            self.program.begin_with(&whole);
            if matches!(next, Token::End) {
                return Some(());
            }
            // Another expression follows: it takes the place of this one.
            token = next;
        }
    }

    /// An expression that begins with `token`, and the token behind it.
    fn expression(&mut self, mut token: Token) -> Option<(Fragment, Token)> {
        loop {
            while matches!(token, Token::Open) {
                self.pending.push(Pending::Open);
                token = self.lexer.next();
            }
            let mut operand = self.test(token)?;
            token = self.lexer.next();
            loop {
                operand = self.reduce(operand, !matches!(token, Token::And));
                if !matches!(token, Token::Close) {
                    break;
                }
                // Everything above the bracket is reduced: only the bracket itself can be on top.
                self.pending.pop()?;
                token = self.lexer.next();
            }
            match token {
                Token::And => self.pending.push(Pending::And(operand)),
                Token::Or => self.pending.push(Pending::Or(operand)),
                _ if self.pending.is_empty() => return Some((operand, token)),
                _ => return None,
            }
            token = self.lexer.next();
        }
    }

    /// Joins `right` with the operators that wait for it, down to the last bracket: `&&` always, `||`
    /// only when no `&&` follows.
    fn reduce(&mut self, mut right: Fragment, or_too: bool) -> Fragment {
        loop {
            right = match self.pending.pop() {
                Some(Pending::And(left)) => self.program.and(left, right),
                Some(Pending::Or(left)) if or_too => self.program.or(left, right),
                other => {
                    self.pending.extend(other);
                    return right;
                }
            };
        }
    }

    fn test(&mut self, token: Token) -> Option<Fragment> {
        let operand = match token {
            Token::Uuid => Operand::Uuid,
            Token::TextVariable(variable) => Operand::Text(variable),
            Token::NumberVariable(variable) => Operand::Number(variable),
            Token::Field(selector) => Operand::Field(selector),
            Token::Truth(truth) => return Some(self.program.test(Operand::Constant(truth), Condition::None)),
            _ => return None,
        };
        let condition = self.condition(&operand)?;
        Some(self.program.test(operand, condition))
    }

    fn condition(&mut self, operand: &Operand) -> Option<Condition> {
        use super::compare::Relation::{Equal, NotEqual};
        let is_field = matches!(operand, Operand::Field(_));
        let takes_text = !matches!(operand, Operand::Number(_));
        let takes_number = !matches!(operand, Operand::Text(_) | Operand::Uuid);
        let operator = self.lexer.next();
        match operator {
            Token::Match { .. } if takes_text => {}
            Token::Relation(_) => {}
            _ => return None,
        }
        Some(match (operator, self.lexer.next()) {
            (Token::Match { negated }, Token::Pattern(pattern)) => Condition::Pattern { pattern, negated },
            (Token::Relation(relation), Token::Text(text)) if takes_text => {
                Condition::Text(relation, text.into_bytes().into())
            }
            (Token::Relation(relation), Token::Number(number)) if takes_number => {
                Condition::Number(relation, number)
            }
            (Token::Relation(Equal), Token::Truth(truth)) if is_field => Condition::Truth(truth),
            (Token::Relation(Equal), Token::Nil) if is_field => Condition::Nil { negated: false },
            (Token::Relation(NotEqual), Token::Nil) if is_field => Condition::Nil { negated: true },
            _ => return None,
        })
    }
}
