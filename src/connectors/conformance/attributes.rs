//! Attributes: written, read back as they were, cleared, and left alone.

use super::super::ErrorKind;
use super::Check;
use super::report::{Fault, ensure};
use super::stage::Stage;
use crate::domain::account::{AttributeChanges, AttributeValue, Attributes, ObservedAccount};
use crate::domain::ids::{AccountId, AttributeName};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::of("attributes come back as they were written", |stage| {
            Box::pin(peculiar(stage))
        }),
        Check::of(
            "what is as it should be already may be written again",
            |stage| Box::pin(again(stage)),
        ),
        Check::of("attributes are cleared, and cleared again", |stage| {
            Box::pin(clear(stage))
        }),
        Check::of("an update changes nothing else", |stage| {
            Box::pin(others(stage))
        }),
    ]
}

/// An account, where there is something to try on it.
async fn mapped(stage: &Stage<'_>) -> Result<ObservedAccount, Fault> {
    if stage.sample(0)?.attributes.is_empty() {
        return Err(Fault::gap("spec.account.attributes maps none"));
    }
    stage.join(0).await
}

fn one(name: &AttributeName, value: &AttributeValue) -> AttributeChanges {
    AttributeChanges {
        set: [(name.clone(), value.clone())].into_iter().collect(),
        ..AttributeChanges::default()
    }
}

/// What of an account's attributes is not as it was wanted.
fn differences(wanted: &Attributes, shown: &Attributes) -> Vec<String> {
    wanted
        .iter()
        .filter(|(name, value)| shown.get(*name) != Some(*value))
        .map(|(name, value)| format!("{name} was to be {value:?} and is {:?}", shown.get(name)))
        .collect()
}

/// A value that a target refuses, or keeps in another form, can be lived with: it is told. Where no value follows what
/// is peculiar about a person, nothing is shown either way.
async fn peculiar(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = mapped(stage).await?;
    let (mut which, mut gaps) = (Vec::new(), Vec::new());
    let mut is_tried = false;
    for (what, attributes) in &stage.samples.peculiar {
        let plain = &made.attributes;
        let odd = attributes
            .iter()
            .filter(|(name, value)| plain.get(*name) != Some(*value));
        for (name, value) in odd {
            is_tried = true;
            let change = one(name, value);
            let updated = stage.connector.update(&stage.permit, &made.id, &change);
            let wrong = match updated.await {
                Ok(_) => {
                    let shown = stage.read(&made.id).await?.attributes;
                    differences(&change.set, &shown)
                }
                Err(error) if error.kind == ErrorKind::Invalid => {
                    vec![format!("{name} with {what} is refused: {error}")]
                }
                Err(error) => return Err(error.into()),
            };
            which.extend(wrong.iter().map(|_| format!("{name}: {what}")));
            gaps.extend(wrong);
        }
    }
    if !is_tried {
        return Err(Fault::gap(
            "there is nothing to try, as none of spec.account.attributes gives a text of the person's",
        ));
    }
    if gaps.is_empty() {
        return Ok(());
    }
    which.sort();
    Err(Fault::Attributes(which, gaps.join("; ")))
}

async fn again(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = mapped(stage).await?;
    let wanted = stage.sample(0)?.attributes.clone();
    let change = AttributeChanges {
        set: wanted.clone(),
        ..AttributeChanges::default()
    };
    for _ in 0..2 {
        let answer = stage.update(&made.id, &change).await?;
        let shown = stage.read(&made.id).await?;
        ensure(answer.is_none_or(|answer| answer == shown), || {
            "the answer shows something else than reading it does".to_owned()
        })?;
        let wrong = differences(&wanted, &shown.attributes);
        ensure(wrong.is_empty(), || wrong.join("; "))?;
    }
    Ok(())
}

/// One that the target needs can't be cleared, and is told.
async fn clear(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = mapped(stage).await?;
    let mut needed = Vec::new();
    for (name, _) in &stage.sample(0)?.attributes {
        if !cleared(stage, &made.id, name).await? {
            needed.push(name.to_string());
        }
    }
    if needed.is_empty() {
        Ok(())
    } else {
        let what = format!("it needs {}", needed.join(", "));
        Err(Fault::Attributes(needed, what))
    }
}

async fn cleared(stage: &Stage<'_>, id: &AccountId, name: &AttributeName) -> Result<bool, Fault> {
    let change = AttributeChanges {
        clear: [name.clone()].into(),
        ..AttributeChanges::default()
    };
    for _ in 0..2 {
        match stage.connector.update(&stage.permit, id, &change).await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::Invalid => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let left = stage.read(id).await?.attributes;
        ensure(left.get(name).is_none(), || {
            format!("{name} was cleared and is {:?}", left.get(name))
        })?;
    }
    Ok(true)
}

async fn others(stage: &Stage<'_>) -> Result<(), Fault> {
    let made = mapped(stage).await?;
    for (name, value) in &stage.sample(1)?.attributes {
        let before = stage.read(&made.id).await?;
        stage.update(&made.id, &one(name, value)).await?;
        let mut after = stage.read(&made.id).await?;
        // The one that was changed is none of these.
        if let Some(old) = before.attributes.get(name) {
            after.attributes.insert(name.clone(), old.clone());
        }
        ensure(after == before, || {
            format!("with {name} something else changed: {before:?} became {after:?}")
        })?;
    }
    Ok(())
}
