//! What a reply of cmd.cgi says. It tells its errors in a page, with status 200.

use crate::http_client::Reply;

/// What became of a check result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nagios has it.
    Taken,
    /// It is taken with a proof that it comes from a page of its own: newer ones guard against forged requests.
    WantsProof(String),
    /// It may be taken later.
    Again(String),
    /// It will never be taken.
    Refused(String),
}

/// What stands before an error in the page, in small letters: of cmd.cgi itself, of its guard against forged requests, and
/// where it cannot read its files.
const MARKS: [&str; 3] = ["class='errormessage'>", "<p>error:", "<font color='red'>error:"];

impl Verdict {
    /// The verdict of a reply.
    pub(super) fn of(reply: &Reply) -> Verdict {
        if reply.code >= 400 {
            let why = format!("HTTP Error code returned: {}", reply.status);
            // Of the content, and so of this result.
            let refused = matches!(reply.code, 400 | 413 | 415 | 422);
            return if refused { Verdict::Refused(why) } else { Verdict::Again(why) };
        }
        let page = String::from_utf8_lossy(&reply.body);
        match complaint(&page) {
            None if is_of_another(&page) => {
                Verdict::Again("the page does not say that the command was submitted".into())
            }
            None => Verdict::Taken,
            Some(why) if why.contains("CSRF") => Verdict::WantsProof(why),
            // That is also said of a host or a service that Nagios does not know.
            Some(why) if why.contains("not authorized") => Verdict::Refused(why),
            Some(why) => Verdict::Again(why),
        }
    }
}

/// Whether a page comes from somebody else, such as a form to log in. cmd.cgi says what it has done.
fn is_of_another(page: &str) -> bool {
    let lower = page.to_ascii_lowercase();
    let consents = ["class='infomessage'", "successfully submitted"];
    lower.contains("<html") && !consents.iter().any(|mark| lower.contains(mark))
}

/// The text of the error in a page.
fn complaint(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = MARKS.iter().find_map(|mark| lower.find(mark).map(|at| at + mark.len()))?;
    let text = page.get(start..)?.split('<').next().unwrap_or_default();
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_is_no_consent() {
        assert!(is_of_another("<!doctype html><HTML><form>Log in</form></html>"));
        assert!(!is_of_another(
            "<html><DIV CLASS='infoMessage'>Your command request was submitted</DIV></html>"
        ));
        assert!(!is_of_another(""));
    }

    #[test]
    fn an_error_is_found_in_a_page() {
        let page = "<P><DIV CLASS='errorMessage'>Sorry, but you are not authorized\nto commit it.</DIV></P>";
        assert_eq!(complaint(page).unwrap(), "Sorry, but you are not authorized to commit it.");
        assert_eq!(complaint("<DIV CLASS='infoMessage'>Your command request was submitted</DIV>"), None);
        assert_eq!(complaint("é<div class='errormessage'>").unwrap(), "");
        assert_eq!(
            complaint("<p>Error: Invalid or missing CSRF cookie!</p>").unwrap(),
            "Invalid or missing CSRF cookie!"
        );
        let unread =
            "<STRONG><FONT COLOR='RED'>Error: Could not read object configuration data!</FONT></STRONG>";
        assert_eq!(complaint(unread).unwrap(), "Could not read object configuration data!");
        assert_eq!(complaint(""), None);
    }
}
