defmodule ElixirScope.Distributed.CLI.Request do
  @moduledoc false
  # What a command asks of the node that answers it: plain terms, as the tool and that node may run
  # different versions of the library.
  #
  # The answer is made there and comes back as text, by Erlang's own protocol for input and output: the
  # picture of a trace is made by the native core, which the tool does not need, events stay where
  # they are, and who is slow to print holds back who writes.

  alias ElixirScope.Distributed.CLI.Values
  alias ElixirScope.Distributed.Options

  # Raised whenever a node that answers could misunderstand a tool that asks.
  @protocol 1

  @enforce_keys [:command, :arguments, :options]
  defstruct @enforce_keys ++
              [
                :width,
                :color,
                :live,
                :out,
                :err,
                :file,
                :tool,
                :lease_ms,
                :source,
                protocol: @protocol
              ]

  @typedoc """
  `live` is whether somebody looks at a terminal; `out` and `err` are devices of the tool; `file` one for what is to be kept; `tool` is asked whether it
  is still there, and is `nil` where the command is one of the node's own; `source` is a recording.
  """
  @type t :: %{
          required(:command) => String.t(),
          required(:arguments) => [String.t()],
          required(:options) => %{atom => term},
          required(:width) => pos_integer,
          required(:color) => boolean,
          required(:live) => boolean,
          required(:out) => pid,
          required(:err) => pid,
          required(:file) => pid | nil,
          required(:tool) => pid | nil,
          required(:lease_ms) => pos_integer | nil,
          required(:source) => term,
          required(:protocol) => pos_integer,
          optional(atom) => term
        }

  @doc "Which generation of tools this is."
  @spec protocol() :: pos_integer
  def protocol, do: @protocol

  @doc "Which events, as the library takes them."
  @spec filters(t) :: keyword
  def filters(request), do: [scope: scope(request)] ++ Values.filters(request.options)

  @doc "The scope, or the recording, that is asked."
  @spec scope(t) :: term
  def scope(%{source: nil, options: %{scope: name}}), do: Values.module(name)
  def scope(%{source: nil}), do: Options.default_scope()
  def scope(%{source: recording}), do: recording

  @doc "What views take beside their source."
  @spec looks(t) :: keyword
  def looks(request), do: [width: request.width, color: request.color]
end
