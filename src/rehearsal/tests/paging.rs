//! Pages of lists.

use serde_json::json;

use super::{Local, canonical, security};

fn with_labels() -> Local {
    Local::with(|state| {
        let project = state.project(super::CANONICAL).unwrap().id;
        (0..120).for_each(|number| state.add_label(project, &format!("label {number:03}")));
    })
}

#[test]
fn pages_lead_to_each_other() {
    let local = with_labels();
    let total = 125;
    let first = local.get(&canonical("/labels?search=&per_page=50"));
    assert_eq!(first.json().as_array().unwrap().len(), 50);
    let header = |name| first.header(name).to_owned();
    assert_eq!([header("x-page"), header("x-next-page"), header("x-prev-page")], ["1", "2", ""]);
    assert_eq!([header("x-total"), header("x-total-pages"), header("x-per-page")], [&total.to_string(), "3", "50"]);
    let link = first.header("link");
    for relation in ["first", "next", "last"] {
        assert!(link.contains(&format!("rel=\"{relation}\"")), "{link}");
    }
    assert!(!link.contains("prev") && link.contains("search=&page=2&per_page=50"), "{link}");

    let last = local.get(&canonical("/labels?page=3&per_page=50"));
    assert_eq!(last.json().as_array().unwrap().len(), 25);
    assert_eq!((last.header("x-next-page"), last.header("x-prev-page")), ("", "2"));
    assert!(!last.header("link").contains("rel=\"next\""));
    assert_eq!(local.get(&canonical("/labels?page=9")).is(200).json(), json!([]));
    assert_eq!(local.get(&canonical("/labels")).json().as_array().unwrap().len(), 20);
    assert_eq!(local.get(&canonical("/labels?per_page=1000")).json().as_array().unwrap().len(), 100);
}

#[test]
fn some_lists_do_not_tell_their_length() {
    let local = Local::new();
    for path in [security("/repository/commits?per_page=2"), security("/jobs?per_page=2")] {
        let page = local.get(&path).is(200);
        assert_eq!((page.header("x-total"), page.header("x-total-pages")), ("", ""));
        assert!(!page.header("link").contains("rel=\"last\""));
    }
    assert_eq!(local.get(&security("/repository/commits?per_page=2")).header("x-next-page"), "2");
    assert!(local.get("/users").header("ratelimit-limit") == "2000");
}
