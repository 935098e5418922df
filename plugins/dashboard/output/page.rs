//! hekad's own page, which is in the binary. Its sources are in `plugins/dashboard/page`.

use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use hyper::{Response, StatusCode};

use super::body::Reply;
use super::site::{plain, with_body};

/// The page loads nothing from elsewhere and cannot be framed by others.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);

/// A file of the page: its name, media type and content.
type Asset = (&'static str, &'static str, &'static [u8]);

macro_rules! assets {
    ($($name:literal $kind:literal)*) => {
        &[$(($name, $kind, include_bytes!(concat!("../page/www/", $name)))),*]
    };
}

const ASSETS: &[Asset] = assets! {
    "index.html" "text/html; charset=utf-8"
    "style.css" "text/css; charset=utf-8"
    "icon.svg" "image/svg+xml"
    "js/app.js" "text/javascript; charset=utf-8"
    "js/api.js" "text/javascript; charset=utf-8"
    "js/cbuf.js" "text/javascript; charset=utf-8"
    "js/chart.js" "text/javascript; charset=utf-8"
    "js/dom.js" "text/javascript; charset=utf-8"
    "js/figures.js" "text/javascript; charset=utf-8"
    "js/format.js" "text/javascript; charset=utf-8"
    "js/graph.js" "text/javascript; charset=utf-8"
    "js/overview.js" "text/javascript; charset=utf-8"
    "js/plugins.js" "text/javascript; charset=utf-8"
    "js/sandboxes.js" "text/javascript; charset=utf-8"
    "js/spark.js" "text/javascript; charset=utf-8"
    "js/tap.js" "text/javascript; charset=utf-8"
    "vendor/uPlot.esm.js" "text/javascript; charset=utf-8"
    "vendor/uPlot.min.css" "text/css; charset=utf-8"
    "vendor/LICENSE" "text/plain; charset=utf-8"
};

/// Answers for a file of the page; "" is the page itself.
pub(super) fn answer(name: &str, head: &HeaderMap) -> Response<Reply> {
    let name = if name.is_empty() { "index.html" } else { name };
    let Some((_, kind, bytes)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return plain(StatusCode::NOT_FOUND, "404 page not found\n");
    };
    let tag = HeaderValue::try_from(tag(bytes)).ok();
    let is_known = tag.is_some() && head.get(IF_NONE_MATCH) == tag.as_ref();
    let mut reply = if is_known {
        let mut reply = Response::new(Reply::Whole(Default::default()));
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        reply
    } else {
        with_body(StatusCode::OK, kind, bytes.to_vec())
    };
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(tag) = tag {
        headers.insert(ETAG, tag);
    }
    reply
}

/// Tells one content from another.
fn tag(bytes: &[u8]) -> String {
    use sha1::Digest;
    let digest = sha1::Sha1::digest(bytes);
    let hex: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn names_below(dir: &Path, prefix: &str, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                names_below(&entry.path(), &format!("{name}/"), out);
            } else {
                out.push(name);
            }
        }
    }

    #[test]
    fn all_files_of_the_page_are_served() {
        let mut on_disk = Vec::new();
        names_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboard/page/www"), "", &mut on_disk);
        on_disk.sort();
        let mut served: Vec<_> = ASSETS.iter().map(|(name, ..)| name.to_string()).collect();
        served.sort();
        assert_eq!(served, on_disk);
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for (name, kind, bytes) in ASSETS {
            let text = String::from_utf8_lossy(bytes);
            let own = !name.starts_with("vendor/") && !kind.starts_with("image/");
            assert!(!own || !text.contains("//cdn") && !text.contains("https://"), "{name}");
        }
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        let first = answer("", &HeaderMap::new());
        let tag = first.headers().get(ETAG).unwrap().clone();
        let again = answer("", &HeaderMap::from_iter([(IF_NONE_MATCH, tag)]));
        assert_eq!((first.status(), again.status()), (StatusCode::OK, StatusCode::NOT_MODIFIED));
    }
}
