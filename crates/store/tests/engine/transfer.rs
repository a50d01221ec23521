//! What is copied from one database to another arrives as it is.

use crate::world;
use pileus_store::testing::{TestDatabase, engines};
use pileus_store::transfer::{self, TableRows};
use pileus_store::{Db, Engine, args};

#[test]
fn every_value_survives_the_way_from_engine_to_engine_and_back() {
    let start = TestDatabase::new(Engine::Sqlite);
    let first = start.open();
    world::build(&first);
    fill_other_tables(&first);
    let rows = transfer::count(&first).expect("counted");
    assert!(rows.contains(&TableRows {
        name: "file",
        rows: 3
    }));
    for engine in engines() {
        let (middle, end) = (TestDatabase::new(engine), TestDatabase::new(Engine::Sqlite));
        let (second, third) = (middle.open(), end.open());
        assert_eq!(transfer::copy(&first, &second), Ok(rows.clone()));
        assert_eq!(transfer::copy(&second, &third), Ok(rows.clone()));
        assert_eq!(dump(&start), dump(&end), "by way of {engine:?}");
        let found = third.view_blocking(|tx| tx.check()).expect("checked");
        assert_eq!(found.problems, []);
        // New rows must not get ids that the old ones have.
        let next = |db: &Db| db.edit_blocking(|tx| tx.id()).expect("an id");
        let newest = next(&first);
        drop(third);
        assert!(next(&end.open()) >= newest);
    }
}

#[test]
fn a_target_with_data_is_refused() {
    for engine in engines() {
        let (from, to) = (TestDatabase::new(Engine::Sqlite), TestDatabase::new(engine));
        let (from, to) = (from.open(), to.open());
        transfer::ensure_empty(&to).expect("a new database is empty");
        to.edit_blocking(|tx| tx.set_setting("a", "b"))
            .expect("set");
        let told = transfer::copy(&from, &to).expect_err("refused").to_string();
        assert!(told.contains("table setting has rows"), "{told}");
    }
}

#[test]
fn tables_of_many_pages_arrive_whole() {
    for engine in engines() {
        let (from, to) = (TestDatabase::new(Engine::Sqlite), TestDatabase::new(engine));
        let (from, to) = (from.open(), to.open());
        let insert =
            "INSERT INTO collection_item (collection, position, file, added) VALUES ($1, $2, 0, 0)";
        from.edit_blocking(move |tx| {
            (0..1001).try_for_each(|row| tx.exec(insert, args![row / 300, row % 300]).map(drop))
        })
        .expect("filled");
        let copied = transfer::copy(&from, &to).expect("copied");
        assert!(copied.contains(&TableRows {
            name: "collection_item",
            rows: 1001
        }));
    }
}

/// Rows with every kind of value, and keys of every kind.
fn fill_other_tables(db: &Db) {
    db.edit_blocking(|tx| {
        tx.set_setting("name", "Grüße, мир, \u{1f600}")?;
        tx.exec(
            "INSERT INTO newsletter (email_key, email, verified, verify_hash, unsubscribe_hash, created) \
             VALUES ('a', 'A', 9223372036854775807, NULL, NULL, -9223372036854775807)",
            &[],
        )?;
        tx.trust_device(1, &[0, 255], 0)?;
        let insert = "INSERT INTO recovery_code (account, secret_hash) VALUES ($1, $2)";
        for bytes in [&[][..], &[0], &[0, 255], &[255; 300]] {
            tx.exec(insert, args![1, bytes])?;
        }
        Ok::<_, pileus_store::StoreError>(())
    })
    .expect("filled");
}

/// All rows of an SQLite database as text, but for those that tell how it was made.
fn dump(place: &TestDatabase) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.path()).expect("it opens");
    let mut names = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .expect("prepared");
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .expect("queried")
        .collect::<Result<_, _>>()
        .expect("read");
    let mut dump = Vec::new();
    for name in names {
        if ["refinery_schema_history", "sequence"].contains(&name.as_str()) {
            continue;
        }
        let mut statement = connection
            .prepare(&format!("SELECT * FROM {name}"))
            .expect("prepared");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("queried");
        while let Some(row) = rows.next().expect("read") {
            let values: Vec<_> = (0..columns).map(|column| row.get_ref(column)).collect();
            dump.push(format!("{name} {values:?}"));
        }
    }
    dump.sort();
    dump
}
