-module(programs_erlang).
-export([run/0, total/2]).

run() ->
    List = [1, 2],
    Total = total(List, 0),
    Fun = fun(X) -> Y = X + Total, Y end,
    Mapped = lists:map(Fun, List),
    {Total, Mapped}.

total([First | Rest], Sum) ->
    New = Sum + First,
    total(Rest, New);
total([], Sum) ->
    Sum.
