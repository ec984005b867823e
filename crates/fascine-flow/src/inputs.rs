use std::sync::Arc;

use crate::output::OutputType;
use crate::{StepContext, StepId, StepOutput, StepResult};

/// The steps that a step [takes from](crate::GraphBuilder::then): one, or a tuple of up to eight; `()` for none.
pub trait Inputs: Clone + Send + Sync + 'static {
    /// What they give.
    type Values: Send;

    /// What they gave.
    ///
    /// # Errors
    ///
    /// When one of them gave nothing, or something of another type.
    #[doc(hidden)]
    fn values(&self, context: &StepContext) -> StepResult<Self::Values>;

    /// Adds the edges from them.
    #[doc(hidden)]
    fn each(&self, take: &mut dyn FnMut(EdgeFrom));
}

/// One of them.
#[derive(Debug)]
#[expect(unnameable_types, reason = "it is for the graph alone")]
pub struct EdgeFrom {
    pub(crate) step: u32,
    pub(crate) output: fn() -> OutputType,
}

/// A step was to get what another one gave, and that is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no input of the type `{wanted}`")]
struct MissingInput {
    wanted: &'static str,
}

impl<T: StepOutput> Inputs for StepId<T> {
    type Values = Arc<T>;

    fn values(&self, context: &StepContext) -> StepResult<Arc<T>> {
        let missing = || MissingInput {
            wanted: std::any::type_name::<T>(),
        };
        context.input(*self).ok_or_else(|| missing().into())
    }

    fn each(&self, take: &mut dyn FnMut(EdgeFrom)) {
        take(EdgeFrom {
            step: self.number,
            output: OutputType::of::<T>,
        });
    }
}

impl Inputs for () {
    type Values = ();

    fn values(&self, _: &StepContext) -> StepResult<()> {
        Ok(())
    }

    fn each(&self, _: &mut dyn FnMut(EdgeFrom)) {}
}

macro_rules! tuples {
    ($($T:ident $n:tt)+) => {
        impl<$($T: Inputs),+> Inputs for ($($T,)+) {
            type Values = ($($T::Values,)+);

            fn values(&self, context: &StepContext) -> StepResult<Self::Values> {
                Ok(($(self.$n.values(context)?,)+))
            }

            fn each(&self, take: &mut dyn FnMut(EdgeFrom)) {
                $(self.$n.each(take);)+
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0 B 1);
tuples!(A 0 B 1 C 2);
tuples!(A 0 B 1 C 2 D 3);
tuples!(A 0 B 1 C 2 D 3 E 4);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
