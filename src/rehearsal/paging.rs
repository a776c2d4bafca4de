//! Pages of lists, and the headers that lead to the next one.

use serde_json::Value;

use super::{call::Call, reply::Reply};

/// Above so many rows the total is not told.
const MOST_COUNTED: usize = 10_000;

/// Whether a list tells how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Totals {
    Told,
    Withheld,
}

impl Call<'_> {
    /// The page of a list that was asked for.
    pub(super) fn page<T>(&self, rows: &[T], show: impl Fn(&Self, &T) -> Value) -> Result<Reply, Reply> {
        self.page_with(rows, Totals::Told, show)
    }

    /// As [`Call::page`], for lists that do not tell how long they are.
    pub(super) fn page_with<T>(
        &self,
        rows: &[T],
        totals: Totals,
        show: impl Fn(&Self, &T) -> Value,
    ) -> Result<Reply, Reply> {
        let page = self.parameters.number("page")?.unwrap_or(1).max(1) as usize;
        let per_page = self.parameters.number("per_page")?.unwrap_or(20).clamp(1, 100) as usize;
        let start = (page - 1).saturating_mul(per_page).min(rows.len());
        let end = start.saturating_add(per_page).min(rows.len());
        let last = rows.len().div_ceil(per_page).max(1);
        let next = (end < rows.len()).then(|| page + 1);
        let previous = (page > 1).then(|| page - 1);
        let is_told = totals == Totals::Told && rows.len() <= MOST_COUNTED;

        let mut links = vec![];
        links.extend(previous.map(|number| self.page_link(number, per_page, "prev")));
        links.extend(next.map(|number| self.page_link(number, per_page, "next")));
        links.push(self.page_link(1, per_page, "first"));
        links.extend(is_told.then(|| self.page_link(last, per_page, "last")));

        let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
        let mut reply = Reply::ok(rows[start..end].iter().map(|row| show(self, row)).collect())
            .with("x-page", page.to_string())
            .with("x-per-page", per_page.to_string())
            .with("x-prev-page", number(previous))
            .with("x-next-page", number(next))
            .with("link", links.join(", "));
        if is_told {
            reply = reply.with("x-total", rows.len().to_string()).with("x-total-pages", last.to_string());
        }
        Ok(reply)
    }

    fn page_link(&self, page: usize, per_page: usize, relation: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let kept = |name: &str| !matches!(name, "page" | "per_page" | "private_token");
        query.extend_pairs(url::form_urlencoded::parse(self.query.as_bytes()).filter(|(name, _)| kept(name)));
        query.append_pair("page", &page.to_string()).append_pair("per_page", &per_page.to_string());
        format!("<{}?{}>; rel=\"{relation}\"", self.site.api(&self.path), query.finish())
    }
}
