defmodule ElixirScope.Distributed.Export.Written do
  @moduledoc """
  What an export wrote, and what is known to be missing from it.

    * `format` - one of `ElixirScope.Distributed.Export.formats/0`;
    * `events`, `bytes` - how many events it is about, and how long it is;
    * `nodes`, `missing`, `dropped`, `expired`, `more?` - as in `ElixirScope.Distributed.Query.Result`;
    * `into` - what a collectable became; `:ok` for a path and a device, the export itself where it
      was asked for as a value.

      iex> ElixirScope.Distributed.Export.Written.partial?(%ElixirScope.Distributed.Export.Written{format: :csv, dropped: 2})
      true
  """

  alias ElixirScope.Distributed.Query.Result

  @enforce_keys [:format]
  defstruct [
    :format,
    :into,
    events: 0,
    bytes: 0,
    nodes: [],
    missing: %{},
    dropped: 0,
    expired: 0,
    more?: false
  ]

  @type t :: %__MODULE__{
          format: atom,
          into: term,
          events: non_neg_integer,
          bytes: non_neg_integer,
          nodes: [node],
          missing: %{node => term},
          dropped: non_neg_integer,
          expired: non_neg_integer,
          more?: boolean
        }

  @doc "Whether something is known to be missing; `more?` is not counted, as that was asked for."
  @spec partial?(t) :: boolean
  def partial?(written), do: Result.partial?(written)
end
