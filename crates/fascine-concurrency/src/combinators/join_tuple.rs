use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::combinators::join::{Infallibly, Join, Slot, TryJoin, Unwrapped};
use crate::combinators::panics::clear_on_panic;

/// Makes the future of each length of tuple.
macro_rules! tuples {
    ($($Name:ident($($F:ident $T:ident $field:ident),+);)+) => {$(
        pin_project! {
            struct $Name<$($F, $T),+> {
                $(#[pin] $field: Slot<$F, $T>,)+
            }
        }

        impl<$($F, $T,)+ Error> Future for $Name<$($F, $T),+>
        where
            $($F: Future<Output = Result<$T, Error>>,)+
        {
            type Output = Result<($($T,)+), Error>;

            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                clear_on_panic(
                    &mut self,
                    |slots| {
                        let mut all = true;
                        $(match slots.as_mut().project().$field.poll(cx) {
                            Ok(succeeded) => all &= succeeded,
                            Err(error) => {
                                slots.as_mut().clear();
                                return Poll::Ready(Err(error));
                            }
                        })+
                        if !all {
                            return Poll::Pending;
                        }
                        let slots = slots.as_mut().project();
                        Poll::Ready(Ok(($(slots.$field.take(),)+)))
                    },
                    |slots| slots.as_mut().clear(),
                )
            }
        }

        impl<$($F, $T),+> $Name<$($F, $T),+> {
            fn clear(self: Pin<&mut Self>) {
                let mut slots = self.project();
                $(slots.$field.set(Slot::Gone);)+
            }
        }

        impl<$($F, $T,)+ Error> TryJoin for ($($F,)+)
        where
            $($F: Future<Output = Result<$T, Error>>,)+
        {
            type Output = ($($T,)+);
            type Error = Error;

            fn try_join(self) -> impl Future<Output = Result<Self::Output, Error>> {
                let ($($field,)+) = self;
                $Name {
                    $($field: Slot::new($field),)+
                }
            }
        }

        impl<$($F: Future),+> Join for ($($F,)+) {
            type Output = ($($F::Output,)+);

            fn join(self) -> impl Future<Output = Self::Output> {
                let ($($field,)+) = self;
                Unwrapped {
                    future: $Name {
                        $($field: Slot::new(Infallibly { future: $field }),)+
                    },
                }
            }
        }
    )+};
}

tuples! {
    Two(A AOutput a, B BOutput b);
    Three(A AOutput a, B BOutput b, C COutput c);
    Four(A AOutput a, B BOutput b, C COutput c, D DOutput d);
    Five(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e);
    Six(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e, F FOutput f);
    Seven(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e, F FOutput f, G GOutput g);
    Eight(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e, F FOutput f, G GOutput g, H HOutput h);
    Nine(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e, F FOutput f, G GOutput g, H HOutput h, I IOutput i);
    Ten(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e, F FOutput f, G GOutput g, H HOutput h, I IOutput i, J JOutput j);
    Eleven(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e, F FOutput f, G GOutput g, H HOutput h, I IOutput i, J JOutput j, K KOutput k);
    Twelve(A AOutput a, B BOutput b, C COutput c, D DOutput d, E EOutput e, F FOutput f, G GOutput g, H HOutput h, I IOutput i, J JOutput j, K KOutput k, L LOutput l);
}
