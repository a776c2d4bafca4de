//! The parameters of a request: its query together with its body in JSON, as a form or in parts.

use serde_json::{Map, Value};

use super::reply::Reply;

/// Parameters by name. What a query spells `a[]=x` and `a[b]=x` is a list and an object here.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Map<String, Value>);

impl Parameters {
    /// Reads them.
    pub(super) fn read(query: &str, content_type: &str, body: &[u8]) -> Result<Self, Reply> {
        let mut parameters = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            parameters.insert(&name, Value::String(value.into_owned()));
        }
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            _ if body.is_empty() => {}
            "application/json" => match serde_json::from_slice(body) {
                Ok(Value::Object(map)) => parameters.0.extend(map),
                _ => return Err(Reply::error(400, "body does not match the declared format")),
            },
            "multipart/form-data" => {
                for (name, value) in parts(content_type, &String::from_utf8_lossy(body)) {
                    parameters.insert(&name, Value::String(value));
                }
            }
            _ => {
                for (name, value) in url::form_urlencoded::parse(body) {
                    parameters.insert(&name, Value::String(value.into_owned()));
                }
            }
        }
        Ok(parameters)
    }

    fn insert(&mut self, name: &str, value: Value) {
        if let Some(list) = name.strip_suffix("[]") {
            match self.0.entry(list).or_insert_with(|| Value::Array(vec![])) {
                Value::Array(values) => values.push(value),
                other => *other = Value::Array(vec![value]),
            }
        } else if let Some((object, key)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            match self.0.entry(object).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(values) => drop(values.insert(key.to_owned(), value)),
                other => *other = Value::Object(Map::from_iter([(key.to_owned(), value)])),
            }
        } else {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Whether it was given, also as null or empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Refuses when one of these is missing.
    pub(super) fn require(&self, names: &[&str]) -> Result<(), Reply> {
        let missing: Vec<_> =
            names.iter().filter(|name| !self.has(name)).map(|name| format!("{name} is missing")).collect();
        if missing.is_empty() { Ok(()) } else { Err(Reply::error(400, missing.join(", "))) }
    }

    /// Refuses when none of these was given.
    pub(super) fn require_any(&self, names: &[&str]) -> Result<(), Reply> {
        if names.iter().any(|name| self.has(name)) {
            return Ok(());
        }
        Err(Reply::error(400, format!("{} are missing, at least one parameter must be provided", names.join(", "))))
    }

    /// A text; a number is one as well.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        text_of(self.0.get(name)?)
    }

    /// A text of one of these words; anything else is refused.
    pub(super) fn word(&self, name: &str, words: &[&str]) -> Result<Option<String>, Reply> {
        match self.text(name) {
            Some(word) if !words.contains(&word.as_str()) => {
                Err(Reply::error(400, format!("{name} does not have a valid value")))
            }
            word => Ok(word),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Reply> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => match text_of(other).unwrap_or_default().to_ascii_lowercase().as_str() {
                "true" | "1" | "t" | "on" => Ok(Some(true)),
                "false" | "0" | "f" | "off" => Ok(Some(false)),
                "" => Ok(None),
                _ => Err(Reply::error(400, format!("{name} is invalid"))),
            },
        }
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Reply> {
        match self.text(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Reply::error(400, format!("{name} is invalid"))),
        }
    }

    /// A list of texts, given as a list or with commas.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let texts = match self.0.get(name)? {
            Value::Array(values) => values.iter().filter_map(text_of).collect(),
            value => {
                text_of(value).unwrap_or_default().split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>()
            }
        };
        Some(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }

    /// A list of numbers. What is no number is refused.
    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<u64>>, Reply> {
        let Some(texts) = self.list(name) else { return Ok(None) };
        let numbers: Result<Vec<_>, _> = texts.iter().map(|text| text.parse()).collect();
        numbers.map(Some).map_err(|_| Reply::error(400, format!("{name} is invalid")))
    }

    /// A value of a nested parameter such as `not[labels]`.
    pub(super) fn nested(&self, name: &str) -> Self {
        match self.0.get(name) {
            Some(Value::Object(values)) => Self(values.clone()),
            _ => Self::default(),
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// The fields of a `multipart/form-data` body.
fn parts(content_type: &str, body: &str) -> Vec<(String, String)> {
    let Some((_, boundary)) = content_type.split_once("boundary=") else { return vec![] };
    let border = format!("--{}", boundary.split(';').next().unwrap_or_default().trim().trim_matches('"'));
    let fields = body.split(border.as_str()).filter_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        Some((name.split('"').next()?.to_owned(), value.strip_suffix("\r\n").unwrap_or(value).to_owned()))
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn parameters_are_read_in_every_spelling() {
        let query = Parameters::read("refs[]=a&refs[]=b&not[labels]=x,y&search=a+b%2Fc", "", b"").unwrap();
        assert_eq!(query.list("refs").unwrap(), ["a", "b"]);
        assert_eq!(query.nested("not").list("labels").unwrap(), ["x", "y"]);
        assert_eq!(query.text("search").unwrap(), "a b/c");

        let json = br#"{"reviewer_ids": [1, 2], "squash": false, "due_date": null}"#;
        let json = Parameters::read("page=2", "application/json; charset=utf-8", json).unwrap();
        assert_eq!(json.numbers("reviewer_ids").unwrap().unwrap(), [1, 2]);
        assert_eq!(json.flag("squash").unwrap(), Some(false));
        assert_eq!((json.has("due_date"), json.text("due_date")), (true, None));
        assert_eq!(json.number("page").unwrap(), Some(2));

        let form = Parameters::read("", "application/x-www-form-urlencoded", b"title=a%26b&squash=maybe").unwrap();
        assert_eq!(form.text("title").unwrap(), "a&b");
        assert_eq!(form.flag("squash").unwrap_err().status, 400);

        let parts = b"--X\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\none\r\ntwo\r\n--X--\r\n";
        let parts = Parameters::read("", "multipart/form-data; boundary=X", parts).unwrap();
        assert_eq!(parts.text("title").unwrap(), "one\r\ntwo");
    }
}
