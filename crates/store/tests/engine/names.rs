//! The index of names finds what reading every row would find.

use crate::on_both_engines;
use pileus_store::folders::NewFolder;
use pileus_store::names::{Finder, Object};
use pileus_store::testing::TestDatabase;
use pileus_store::{Db, Stored, Tx};
use std::collections::{BTreeMap, HashSet};

on_both_engines! {
    every_name_is_found_by_any_part_of_it,
    a_segment_of_what_is_gone_is_dissolved,
}

const OWNER: i64 = 7;
const PARENT: i64 = 1_000_000;
const SYLLABLES: [&str; 12] = [
    "re", "port", " ", "Über", "2024", ".", "jpg", "a", "日本", "_", "ss", "𝄞",
];

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).expect("small")
    }

    fn name(&mut self, number: i64) -> String {
        let syllables: String = (0..=self.roll(5))
            .map(|_| SYLLABLES[self.roll(12)])
            .collect();
        format!("{syllables}{number}")
    }
}

fn add(tx: &mut Tx<'_>, owner: i64, id: i64, name: &str) -> Stored<()> {
    tx.insert_folder(&NewFolder {
        id,
        owner,
        parent: PARENT,
        name,
        created: 0,
        modified: 0,
        shared: 0,
        mount: 0,
    })
    .map(drop)
}

/// What a search finds, once what it proposes has been looked at.
fn found(db: &Db, words: &'static [&'static str]) -> HashSet<i64> {
    db.view_blocking(move |tx| -> Stored<HashSet<i64>> {
        let mut finder = Finder::new(OWNER, words);
        let mut found = HashSet::new();
        while let Some(objects) = finder.next(tx)? {
            let ids: Vec<i64> = objects.into_iter().filter_map(Object::as_folder).collect();
            for folder in tx.folders_by_id(&ids)? {
                if folder.owner == OWNER && finder.finds(&folder.name) {
                    found.insert(folder.id);
                }
            }
        }
        Ok(found)
    })
    .expect("searching works")
}

fn every_name_is_found_by_any_part_of_it(place: &TestDatabase) {
    let db = place.open();
    let mut dice = Dice(1);
    let mut names = BTreeMap::new();
    for round in 0..3 {
        let new: Vec<(i64, String)> = (0..2500)
            .map(|number| 10 + round * 2500 + number)
            .map(|id| (id, dice.name(id)))
            .collect();
        let rows = new.clone();
        db.edit_blocking(move |tx| {
            add(
                tx,
                OWNER + 1,
                900_000 + round,
                &format!("report {round} of somebody else"),
            )?;
            rows.iter()
                .try_for_each(|(id, name)| add(tx, OWNER, *id, name))
        })
        .expect("the names are added");
        names.extend(new);
        let renamed: Vec<(i64, String)> = names
            .keys()
            .filter(|_| dice.roll(50) == 0)
            .map(|id| (*id, format!("renamed {id}")))
            .collect();
        let rows = renamed.clone();
        db.edit_blocking(move |tx| -> Stored<()> {
            for (id, name) in &rows {
                tx.place_folder(*id, PARENT, name, 0)?;
            }
            Ok(())
        })
        .expect("some are renamed");
        names.extend(renamed);
        // Before and after the names become segments, and with some in segments and some not.
        for is_indexed in [false, true] {
            if is_indexed {
                while db
                    .edit_blocking(|tx| tx.index_names(OWNER, 0))
                    .expect("indexed")
                {}
            }
            for words in [
                &["report"][..],
                &["PORT", "2024"],
                &["über"],
                &["日"],
                &["𝄞.", "a"],
                &["jpg1"],
                &["renamed", "9"],
                &["7"],
                &["ss", "a", ".", "re", "_"],
                &["nowhere"],
            ] {
                let expected: HashSet<i64> = names
                    .iter()
                    .filter(|(_, name)| {
                        let name = name.to_lowercase();
                        words.iter().all(|word| name.contains(&word.to_lowercase()))
                    })
                    .map(|(id, _)| *id)
                    .collect();
                assert_eq!(found(&db, words), expected, "{words:?} in round {round}");
            }
        }
    }
    assert!(!found(&db, &["report"]).is_empty());
    assert!(found(&db, &[]).is_empty());
}

fn a_segment_of_what_is_gone_is_dissolved(place: &TestDatabase) {
    let db = place.open();
    db.edit_blocking(|tx| (10..2010).try_for_each(|id| add(tx, OWNER, id, &format!("file {id}"))))
        .expect("added");
    db.edit_blocking(|tx| tx.index_names(OWNER, 100))
        .expect("indexed");
    assert_eq!(
        db.edit_blocking(|tx| tx.tidy_names(99, 200))
            .expect("tidied"),
        0
    );
    assert_eq!(
        db.edit_blocking(|tx| tx.tidy_names(100, 200))
            .expect("tidied"),
        1
    );
    assert_eq!(found(&db, &["file"]).len(), 2000);
    db.edit_blocking(|tx| (10..1500).try_for_each(|id| tx.remove_folder(id)))
        .expect("removed");
    assert_eq!(
        db.edit_blocking(|tx| tx.tidy_names(200, 300))
            .expect("tidied"),
        1
    );
    assert_eq!(
        db.edit_blocking(|tx| tx.tidy_names(300, 400))
            .expect("tidied"),
        0
    );
    assert_eq!(found(&db, &["file"]).len(), 510);
}

/// Figures of docs/decisions/search.md: `cargo test --release -p pileus-store --test engine -- --ignored --nocapture
/// names_of_a_large_account`.
#[test]
#[ignore = "a measurement"]
fn names_of_a_large_account() {
    const NAMES: i64 = 1_000_000;
    const BARE: &str = "INSERT INTO folder (id, owner, parent, name, created, modified, deleted, shares) \
                        VALUES ($1, $2, $3, $4, 0, 0, 0, 0)";
    for engine in pileus_store::testing::engines() {
        let place = TestDatabase::new(engine);
        let db = place.open();
        let mut dice = Dice(1);
        let words = [
            "report", "holiday", "invoice", "IMG", "draft", "photo", "notes", "scan", "budget",
            "letter",
        ];
        let mut name = move |id: i64| {
            let (first, second) = (words[dice.roll(10)], words[dice.roll(10)]);
            let ending = ["jpg", "pdf", "docx", "txt"][dice.roll(4)];
            format!("{first} {second} {}-{id:05}.{ending}", 1990 + dice.roll(35))
        };
        // Both in edits of 16, as group commits are under load; each alone on its database.
        let mut spent = [std::time::Duration::ZERO; 2];
        for batch in 0..2000 {
            let some: Vec<(i64, String)> = (0..16)
                .map(|at| 5_000_000 + batch * 16 + at)
                .map(|id| (id, name(id)))
                .collect();
            let began = std::time::Instant::now();
            db.edit_blocking(move |tx| -> Stored<()> {
                for (id, name) in &some {
                    if batch % 2 == 0 {
                        tx.exec(BARE, pileus_store::args![*id, 99, PARENT, name])?;
                    } else {
                        add(tx, 99, *id, name)?;
                    }
                }
                Ok(())
            })
            .expect("added");
            spent[usize::try_from(batch % 2).expect("0 or 1")] += began.elapsed();
        }
        println!(
            "{engine:?}: 16,000 rows bare {:?}, with their names noted {:?}",
            spent[0], spent[1]
        );
        let mut indexing = Vec::new();
        for from in (0..NAMES).step_by(4096) {
            let some: Vec<(i64, String)> = (from..NAMES.min(from + 4096))
                .map(|id| (10 + id, name(id)))
                .collect();
            db.edit_blocking(move |tx| {
                some.iter()
                    .try_for_each(|(id, name)| add(tx, OWNER, *id, name))
            })
            .expect("added");
            let began = std::time::Instant::now();
            while db
                .edit_blocking(|tx| tx.index_names(OWNER, 0))
                .expect("indexed")
            {}
            indexing.push(began.elapsed());
        }
        indexing.sort();
        println!(
            "{engine:?}: a segment takes {:?}, at most {:?}",
            indexing[indexing.len() / 2],
            indexing[indexing.len() - 1]
        );
        for query in [
            "report",
            "invoice 04711",
            "98765",
            "holiday budget 2004 txt",
            "jpg",
            "a",
            "zz",
            "IMG scan 1999-123",
            "nowhere",
            "letter 1990-00 pdf",
        ] {
            let mut times: Vec<_> = (0..50)
                .map(|_| {
                    let began = std::time::Instant::now();
                    let count = db.view_blocking(move |tx| -> Stored<usize> {
                        let words: Vec<&str> = query.split(' ').collect();
                        let mut finder = Finder::new(OWNER, &words);
                        let mut count = 0;
                        while let Some(objects) = finder.next(tx)? {
                            let ids: Vec<i64> =
                                objects.into_iter().filter_map(Object::as_folder).collect();
                            for some in ids.chunks(256) {
                                count += tx
                                    .folders_by_id(some)?
                                    .iter()
                                    .filter(|folder| finder.finds(&folder.name))
                                    .count();
                                if count >= 1000 {
                                    return Ok(count);
                                }
                            }
                        }
                        Ok(count)
                    });
                    (began.elapsed(), count.expect("found"))
                })
                .collect();
            times.sort();
            println!(
                "{engine:?}: {query:?} finds {}: median {:?}, slowest {:?}",
                times[0].1, times[25].0, times[49].0
            );
        }
    }
}
