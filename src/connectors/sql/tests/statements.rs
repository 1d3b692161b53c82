use crate::connectors::sql::dialect::Dialect;
use crate::connectors::sql::statement::Statement;

#[test]
fn parameters_become_places_and_nothing_else_does() {
    for (text, placed, order) in [
        ("SELECT 1", "SELECT 1", vec![]),
        (
            "UPDATE u SET a = :a, b=:b WHERE id = :id;",
            "UPDATE u SET a = $1, b=$2 WHERE id = $3",
            vec!["a", "b", "id"],
        ),
        (
            "INSERT INTO u VALUES (:a, :b, :a)",
            "INSERT INTO u VALUES ($1, $2, $1)",
            vec!["a", "b"],
        ),
        (
            "SELECT ':no', \":no\", `:no`, 'it''s :no' , :yes::text",
            "SELECT ':no', \":no\", `:no`, 'it''s :no' , $1::text",
            vec!["yes"],
        ),
        (
            "SELECT :a -- :no\n, /* :no; */ $$ :no; $$, $tag$ :no $tag$, a[1:2]",
            "SELECT $1 -- :no\n, /* :no; */ $$ :no; $$, $tag$ :no $tag$, a[1:2]",
            vec!["a"],
        ),
        (
            "SELECT /* /* */ :no */ :a, E'it\\'s :no', a$x$b, $x$:no$x$",
            "SELECT /* /* */ :no */ $1, E'it\\'s :no', a$x$b, $x$:no$x$",
            vec!["a"],
        ),
        ("SELECT :ä, : a, é", "SELECT :ä, : a, é", vec![]),
        ("SELECT 1 -- ends so", "SELECT 1 -- ends so", vec![]),
    ] {
        let statement = Statement::parse(text, Dialect::Postgres).unwrap();
        let (shown, names) = statement.placed(Dialect::Postgres);
        assert_eq!((shown.as_str(), names), (placed, order), "{text}");
    }
}

#[test]
fn what_is_no_single_statement_is_refused() {
    for (text, why) in [
        ("", "empty"),
        (" ; ", "empty"),
        ("DELETE FROM a; DELETE FROM b", "one statement"),
        ("SELECT 'a", "a quote has no end"),
        ("SELECT \"a", "a quote has no end"),
        ("SELECT /* a", "a comment has no end"),
        ("SELECT $x$ a", "a dollar quote has no end"),
        ("SELECT E'a\\'", "a quote has no end"),
        ("SELECT /* /* a */", "a comment has no end"),
        ("SELECT 1 WHERE a = $1", "write :name"),
    ] {
        let refused = Statement::parse(text, Dialect::Postgres).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn mysql_has_rules_of_its_own() {
    for (text, placed, order) in [
        ("SELECT :a, :b, :a", "SELECT ?, ?, ?", vec!["a", "b", "a"]),
        (
            "SELECT 'it\\'s :no', \"a\\\" :no\", 'c''s :no', `d\\`, :yes",
            "SELECT 'it\\'s :no', \"a\\\" :no\", 'c''s :no', `d\\`, ?",
            vec!["yes"],
        ),
        (
            "SELECT 5--:a # :no\n, :b -- :no",
            "SELECT 5--? # :no\n, ? -- :no",
            vec!["a", "b"],
        ),
        ("SELECT /* /* :no */ :a", "SELECT /* /* :no */ ?", vec!["a"]),
        ("SELECT $$, :a", "SELECT $$, ?", vec!["a"]),
        ("SET @a := 1", "SET @a := 1", vec![]),
    ] {
        let statement = Statement::parse(text, Dialect::MySql).unwrap();
        let (shown, names) = statement.placed(Dialect::MySql);
        assert_eq!((shown.as_str(), names), (placed, order), "{text}");
    }
    for (text, why) in [
        ("SELECT 1 WHERE a = ?", "write :name"),
        ("SELECT 'a\\'", "a quote has no end"),
        ("SELECT /* a", "a comment has no end"),
    ] {
        let refused = Statement::parse(text, Dialect::MySql).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}
