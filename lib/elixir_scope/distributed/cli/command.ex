defmodule ElixirScope.Distributed.CLI.Command do
  @moduledoc false
  # What a command is: what it is called, which options it takes, and what it does on the node that
  # answers. Parser, help and the guide are made from `spec/0`.

  alias ElixirScope.Distributed.CLI.{Exit, Parser, Request}

  @typedoc """
    * `summary` - in one line;
    * `about` - what it does, in paragraphs of lines of at most 80 columns;
    * `arguments` - how they are written, and how many there may be;
    * `options` - by their keys in the table;
    * `examples` - pairs of what is typed behind the command, and what that does;
    * `interrupt` - what a first Ctrl-C does: `:stop` lets it end in order and is no failure;
    * `common` - those of the options of every command that it takes, where it is not all;
    * `file` - the option, or `:first` for the first argument, that names a file of the tool's to write.
  """
  @type spec :: %{
          required(:summary) => String.t(),
          required(:about) => String.t(),
          required(:arguments) => {String.t(), Range.t()},
          required(:options) => [atom],
          required(:examples) => [{String.t(), String.t()}],
          optional(:interrupt) => :stop,
          optional(:common) => [atom],
          optional(:file) => atom
        }

  @doc "What it is."
  @callback spec() :: spec

  @doc "What can be said to be wrong before anybody is asked."
  @callback check(Parser.parsed()) :: :ok | {:error, String.t()}

  @doc "Answers on the node that is asked."
  @callback run(Request.t()) :: Exit.name()

  @doc "Does it in the VM where it was typed: of a command that asks nobody; instead of `run/1`."
  @callback here(Parser.parsed()) :: Exit.name()

  @optional_callbacks check: 1, run: 1, here: 1
end
