//! The instance, the user who asks, other users, and the token.

use serde_json::{Value, json};

use super::super::{
    call::Call,
    caller::{Caller, is_expired},
    reply::{Answer, Reply},
    show,
    state::TokenKind,
};
use super::{GET, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/version", version),
    route(GET, "/metadata", metadata),
    route(GET, "/user", user),
    route(GET, "/users", users),
    route(GET, "/personal_access_tokens/self", token),
];

fn version(call: &mut Call<'_>) -> Answer {
    call.user_id()?;
    Ok(Reply::ok(json!({ "version": call.state.version, "revision": "0123456789a" })))
}

fn metadata(call: &mut Call<'_>) -> Answer {
    call.user_id()?;
    let is_enterprise = call.state.version.ends_with("-ee");
    Ok(Reply::ok(json!({
        "version": call.state.version,
        "revision": "0123456789a",
        "kas": { "enabled": false, "externalUrl": null, "version": null },
        "enterprise": is_enterprise,
    })))
}

fn user(call: &mut Call<'_>) -> Answer {
    let user = call.user()?;
    let mut shown = show::user(call.site, call.state, user.id);
    shown["email"] = json!(user.email);
    shown["bot"] = json!(user.bot);
    shown["external"] = json!(false);
    Ok(Reply::ok(shown))
}

fn users(call: &mut Call<'_>) -> Answer {
    call.user_id()?;
    let wanted = call.parameters.text("username");
    let search = call.parameters.text("search").map(|text| text.to_lowercase());
    let fits = |name: &str, username: &str| {
        wanted.as_ref().is_none_or(|wanted| username.eq_ignore_ascii_case(wanted))
            && search
                .as_ref()
                .is_none_or(|text| name.to_lowercase().contains(text) || username.to_lowercase().contains(text))
    };
    let found: Vec<u64> =
        call.state.users.iter().filter(|user| fits(&user.name, &user.username)).map(|user| user.id).collect();
    call.page(&found, |call, id| show::user(call.site, call.state, *id))
}

fn token(call: &mut Call<'_>) -> Answer {
    let Caller::Known(token) = &call.caller else { return Err(Reply::unauthorized()) };
    if token.kind != TokenKind::Personal {
        return Err(Reply::bad_request(
            "400 Bad request - This endpoint requires token type to be a personal access token",
        ));
    }
    Ok(Reply::ok(json!({
        "id": token.id,
        "name": token.name,
        "revoked": token.revoked,
        "created_at": show::time(call.state.now()),
        "description": Value::Null,
        "scopes": token.scopes,
        "user_id": token.user,
        "last_used_at": show::time(call.state.now()),
        "active": !token.revoked && !is_expired(call.state, token),
        "expires_at": token.expires_at,
    })))
}
