//! The bodies of answers: JSON of many shapes when it is GitLab that speaks, anything at all when
//! a proxy does.

use serde_json::Value;

/// Longer texts say nothing more.
const LONGEST: usize = 300;

/// What the body of an error says, on one line.
pub(super) fn said(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => read_json(&value),
        Err(_) => read_page(&String::from_utf8_lossy(body)),
    };
    shortened(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn read_json(value: &Value) -> String {
    let Value::Object(fields) = value else { return flat(value) };
    let parts = ["message", "error", "error_description", "scope"].iter().filter_map(|name| fields.get(*name));
    parts.map(flat).collect::<Vec<_>>().join(": ")
}

/// `{"title": ["can't be blank"]}` as `title can't be blank`.
fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| match name.as_str() {
                "base" => flat(value),
                _ => format!("{name} {}", flat(value)),
            });
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The title of a page, or the page itself where it is plain text.
fn read_page(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let between = |open: &str, close: &str| {
        let start = lower.find(open)? + open.len();
        let end = lower[start..].find(close)? + start;
        page.get(start..end).map(str::to_owned)
    };
    match between("<title>", "</title>").or_else(|| between("<h1>", "</h1>")) {
        Some(title) => title,
        None if lower.contains("<html") => "a page without a title".to_owned(),
        None => page.to_owned(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_becomes_one_line() {
        for (body, text) in [
            (r#"{"message":"404 Project Not Found"}"#, "404 Project Not Found"),
            (r#"{"message":["Another open merge request: !7"]}"#, "Another open merge request: !7"),
            (r#"{"message":{"title":["can't be blank","is bad"]}}"#, "title can't be blank, is bad"),
            (r#"{"message":{"base":["no stages"]}}"#, "no stages"),
            (r#"{"error":"title is missing, ref is missing"}"#, "title is missing, ref is missing"),
            (
                r#"{"error":"invalid_token","error_description":"Token was revoked."}"#,
                "invalid_token: Token was revoked.",
            ),
            (r#"{"error":"insufficient_scope","scope":"api"}"#, "insufficient_scope: api"),
            ("<html><head><title>502 Bad\nGateway</title></head>", "502 Bad Gateway"),
            ("<HTML><body><h1>Whoops</h1>", "Whoops"),
            ("<html>", "a page without a title"),
            ("Retry later\n", "Retry later"),
            ("", ""),
            ("null", "null"),
        ] {
            assert_eq!(said(body.as_bytes()), text, "{body}");
        }
        assert_eq!(said("ä".repeat(1000).as_bytes()).chars().count(), LONGEST + 1);
    }
}
