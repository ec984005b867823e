//! Branches by id and by name.

use fascine::branch::Branch;
use fascine::model::EchoModel;
use fascine::rt::Rt;
use fascine::session::{BranchKey, BranchesError, Session};
use fascine_testing::TestRuntime;

fn branch(rt: &Rt, name: &str) -> Branch {
    Branch::new(rt, name, EchoModel)
}

#[test]
fn a_branch_is_found_by_its_id_and_by_its_name() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, branch(&rt, "one"));
        let two = branch(&rt, "two");
        let id = session.add_branch(two.clone()).unwrap();
        assert_eq!(session.branch(id), Some(two.clone()));
        assert_eq!(session.branch("two"), Some(two));
        assert_eq!(session.branch("three"), None);
        let branches = session.branches();
        let names: Vec<_> = branches.iter().map(|(_, branch)| branch.name()).collect();
        assert_eq!(names, ["one", "two"]);
    });
}

#[test]
fn an_id_of_another_session_means_nothing() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, branch(&rt, "one"));
        let other = Session::new(&rt, branch(&rt, "one"));
        let (id, _) = other.branches().remove(0);
        assert_eq!(session.branch(id), None);
        let unknown = session.remove_branch(id).unwrap_err();
        assert_eq!(
            unknown,
            BranchesError::Unknown {
                key: BranchKey::Id(id)
            }
        );
        assert_eq!(session.set_default(id), Err(unknown));
    });
}

#[test]
fn two_branches_do_not_have_one_name() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, branch(&rt, "one"));
        let duplicate = BranchesError::Duplicate { name: "one".into() };
        assert_eq!(
            session.add_branch(branch(&rt, "one")),
            Err(duplicate.clone())
        );
        assert_eq!(session.split("one", "one"), Err(duplicate.clone()));
        assert_eq!(duplicate.to_string(), "there is a branch `one` already");
        assert_eq!(session.branches().len(), 1);
        assert!(session.with_branch(branch(&rt, "one")).is_err());
    });
}

#[test]
fn there_is_always_a_default_branch() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, branch(&rt, "one"))
            .with_branch(branch(&rt, "two"))
            .unwrap();
        let refused = session.remove_branch("one").unwrap_err();
        assert_eq!(refused, BranchesError::Default { name: "one".into() });
        session.set_default("two").unwrap();
        assert_eq!(session.default_branch().name(), "two");
        assert_eq!(session.remove_branch("one").unwrap().name(), "one");
        assert_eq!(session.branch("one"), None);
        // The name is free again.
        session.add_branch(branch(&rt, "one")).unwrap();
        assert_eq!(session.default_branch().name(), "two");
    });
}

#[test]
fn a_split_knows_what_its_branch_knew() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, branch(&rt, "one"));
        let one = session.default_branch();
        one.communicate("what both know").await.unwrap();
        let id = session.split("one", "two").unwrap();
        let two = session.branch(id).unwrap();
        assert_eq!((two.name(), two.history()), ("two", one.history()));
        two.communicate("what one knows").await.unwrap();
        assert_eq!((one.history().len(), two.history().len()), (2, 4));
        let unknown = session.split("three", "four").unwrap_err();
        assert_eq!(unknown.to_string(), "there is no branch `three`");
    });
}

#[test]
fn a_clone_is_the_same_session() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, branch(&rt, "one"));
        let clone = session.clone();
        let added = rt.spawn({
            let rt = rt.clone();
            async move { clone.add_branch(branch(&rt, "two")) }
        });
        let id = added.await.unwrap().unwrap();
        assert_eq!(session.branch(id).unwrap().name(), "two");
    });
}
