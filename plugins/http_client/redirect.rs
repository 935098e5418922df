//! Where a reply sends a caller next.

use hyper::Method;
use hyper::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, REFERER, WWW_AUTHENTICATE};

use super::{Call, Reply, Url};

/// One request of a call.
pub(super) struct Step<'a> {
    /// The method.
    pub(super) method: Method,
    /// Of whom.
    pub(super) url: Url,
    /// The given headers.
    pub(super) headers: HeaderMap,
    /// The body, or nothing.
    pub(super) body: &'a [u8],
}

impl<'a> Step<'a> {
    /// The request that follows upon a reply; `None`: the reply is final.
    ///
    /// # Errors
    /// The reply names a place that is none.
    pub(super) fn next(&self, reply: &Reply, call: &Call<'a>) -> Result<Option<Step<'a>>, String> {
        let keeps = matches!(reply.code, 307 | 308);
        let Some(location) = reply.location.as_deref().filter(|_| keeps || matches!(reply.code, 301..=303))
        else {
            return Ok(None);
        };
        let url = self
            .url
            .join(location)
            .map_err(|why| format!("failed to parse Location header {location:?}: {why}"))?;
        let reads = matches!(self.method, Method::GET | Method::HEAD);
        let method = if keeps || reads { self.method.clone() } else { Method::GET };
        let mut headers = self.headers.clone();
        if !is_within(call.url.host_name(), url.host_name()) {
            for secret in [AUTHORIZATION, COOKIE, WWW_AUTHENTICATE] {
                headers.remove(secret);
            }
        }
        if !(self.url.scheme == "https" && url.scheme == "http")
            && self.url.user.is_none()
            && let Ok(referer) = HeaderValue::try_from(self.url.absolute())
        {
            headers.insert(REFERER, referer);
        }
        Ok(Some(Step { method, url, headers, body: if keeps { self.body } else { b"" } }))
    }
}

/// Whether `host` is `first` or lies in its domain.
fn is_within(first: &str, host: &str) -> bool {
    let (first, host) = (first.to_ascii_lowercase(), host.to_ascii_lowercase());
    host.strip_suffix(&first).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_in_their_domain() {
        assert!(is_within("a.b", "A.B") && is_within("a.b", "x.a.b"));
        assert!(!is_within("a.b", "xa.b") && !is_within("a.b", "b"));
    }
}
