defmodule ElixirScope.Distributed.Opaque do
  @moduledoc """
  Stands where a term could not be kept whole.

    * `type` - what was there: `:fun`, `:integer` (one of more than 64 bits), `:reference`,
      `:binary`, …, `:redacted` for what must not be seen, `:cut` for the rest of a container
      that a budget cut;
    * `size` - how large that was, where it is known: bytes, elements, pairs;
    * `kept` - the beginning of a binary that was cut.
  """

  defstruct [:type, :size, :kept]

  @type t :: %__MODULE__{type: atom, size: non_neg_integer | nil, kept: binary | nil}
end
