defmodule ElixirScope.Distributed.Options.Recording do
  @moduledoc false
  # What saving and opening recordings take, as a part of the one schema of all options.

  alias ElixirScope.Distributed.Options.Query

  @doc "The schema of what is saved, and where."
  @spec of_save(atom) :: keyword
  def of_save(default_scope) do
    default_scope
    |> Query.of_stream()
    |> Keyword.drop([:order, :after])
    |> Kernel.++(
      overwrite: [
        type: :boolean,
        default: false,
        doc: "whether a file that is there may be replaced, once the new one is whole"
      ]
    )
  end

  @doc "The schema of opening a file."
  @spec of_open() :: keyword
  def of_open do
    [
      name: [
        type: {:or, [:atom, nil]},
        default: nil,
        doc:
          "the name of the scope; `nil` takes the first of `:recording_1`, `:recording_2`, … that is free"
      ],
      salvage: [
        type: :boolean,
        default: false,
        doc: "whether what is whole of a file that is cut or damaged is better than nothing"
      ]
    ]
  end
end
