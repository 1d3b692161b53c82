//! Whether a listing shows everything, also where it takes several pages.

use super::report::{Fault, ensure};
use super::stage::Stage;
use super::{Check, Opening, PEOPLE};

/// Pages that a listing has where it is asked for in small ones, at least.
const PAGES: usize = 4;

pub(super) fn checks() -> Vec<Check> {
    vec![Check::of(
        "a listing is complete, also over several pages",
        |stage| Box::pin(complete(stage)),
    )]
}

async fn complete(stage: &Stage<'_>) -> Result<(), Fault> {
    let mut wanted = Vec::new();
    for n in 0..PEOPLE {
        wanted.push(stage.join(n).await?);
    }
    let whole = stage.connector.list().await?;
    let page = u16::try_from(whole.accounts.len().div_ceil(PAGES)).unwrap_or(u16::MAX);
    let paged = stage
        .opener
        .open(Opening::Paged(page.max(1)))?
        .list()
        .await?;
    for (how, listing) in [("in large pages", &whole), ("in small pages", &paged)] {
        ensure(listing.accounts_completeness.is_complete(), || {
            format!("{how} it is {:?}", listing.accounts_completeness)
        })?;
        for account in &wanted {
            let seen = listing.accounts.iter().filter(|a| a.id == account.id);
            let seen: Vec<_> = seen.collect();
            ensure(seen.len() == 1, || {
                format!("{how} {} is shown {} times", account.username, seen.len())
            })?;
            ensure(seen.iter().all(|a| a.username == account.username), || {
                format!("{how} {} is shown as {:?}", account.username, seen)
            })?;
        }
    }
    Ok(())
}
