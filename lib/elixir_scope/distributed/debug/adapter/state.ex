defmodule ElixirScope.Distributed.Debug.Adapter.State do
  @moduledoc false
  # What the adapter knows of one client's session. Everything in it is a value; what is done to it is
  # decided by `Machine` and the modules of `requests/`.

  alias ElixirScope.Distributed.Debug.Adapter.{Handles, Launch, Marks, Threads}

  # `others` are the sessions of further nodes of a cluster; `tails` are halves of characters of what
  # programs write; `early` are processes that stopped at a breakpoint which is still being set (`setting`);
  # `expected` are processes that we have let go on ourselves; `followed` are traces that
  # began here.
  defstruct phase: :new,
            owner: nil,
            client: %{},
            launch: nil,
            session: nil,
            others: [],
            editor: nil,
            os_pid: nil,
            tails: %{},
            nodes: [],
            threads: %Threads{},
            handles: %Handles{},
            marks: %Marks{},
            filters: [],
            stopped: %{},
            left: %{},
            setting: 0,
            early: [],
            expected: MapSet.new(),
            followed: %{}

  @typedoc """
    * `:new` - nobody has said anything,
    * `:greeted` - `initialize` was answered,
    * `:starting` - `launch` or `attach` is under way,
    * `:configuring` - the program is there and waits for `configurationDone`,
    * `:running` - it runs,
    * `:ended` - it has ended, or was left.
  """
  @type phase :: :new | :greeted | :starting | :configuring | :running | :ended
  @type t :: %__MODULE__{
          phase: phase,
          owner: pid | nil,
          client: map,
          launch: Launch.t() | nil,
          session: term,
          others: [term],
          editor: pid | nil,
          os_pid: pos_integer | nil,
          tails: %{atom => binary},
          nodes: [node],
          threads: Threads.t(),
          handles: Handles.t(),
          marks: Marks.t(),
          filters: [term],
          stopped: %{pid => map},
          left: %{pid => map},
          setting: non_neg_integer,
          early: [map],
          expected: MapSet.t(pid),
          followed: %{term => map}
        }

  @typedoc "Something to be asked of others, beside everything else; `to` is who takes the answer."
  @type ask :: %{
          lane: term,
          request: map | nil,
          call: {module, atom, [term]},
          to: {module, term}
        }

  @type effect ::
          {:reply, map, {:ok, map} | {:error, String.t()}}
          | {:event, String.t(), map}
          | {:ask, ask}
          | {:cancel, integer}
          | {:end, :disconnected}

  @typedoc "What a handler says: a body to answer with, what is wrong, or effects."
  @type outcome ::
          {:ok, map, t} | {:ok, map, [effect], t} | {:error, String.t()} | {:effects, [effect], t}

  @doc "The client's number of a line."
  @spec line_out(t, integer | nil) :: integer
  def line_out(_state, nil), do: 0

  def line_out(state, line),
    do: if(state.client["linesStartAt1"] == false, do: line - 1, else: line)

  @doc "Our number of a client's line."
  @spec line_in(t, integer) :: integer
  def line_in(state, line),
    do: if(state.client["linesStartAt1"] == false, do: line + 1, else: line)

  @doc "The client's number of the first column."
  @spec column(t) :: 0 | 1
  def column(state), do: if(state.client["columnsStartAt1"] == false, do: 0, else: 1)

  @doc "What every question to a target is asked with."
  @spec options(t) :: keyword
  def options(%{launch: launch, owner: owner}),
    do: [scope: launch.scope, timeout_ms: launch.rpc_timeout_ms, owner: owner]

  @doc "The same for what is only looked at."
  @spec looking(t) :: keyword
  def looking(state), do: Keyword.delete(options(state), :owner)

  @doc "Text for the client's console."
  @spec console(String.t()) :: effect
  def console(text), do: output("console", text)

  @doc "Text of a category, as whole lines."
  @spec output(String.t(), String.t()) :: effect
  def output(category, text) do
    text = if String.ends_with?(text, "\n"), do: text, else: text <> "\n"
    {:event, "output", %{category: category, output: text}}
  end
end
