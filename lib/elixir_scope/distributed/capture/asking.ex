defmodule ElixirScope.Distributed.Capture.Asking do
  @moduledoc false
  # A question to several nodes: who has answered what, and who has not yet.

  alias ElixirScope.Distributed.Error

  @enforce_keys [:about, :from, :waiting]
  defstruct [:about, :from, :waiting, answers: %{}]

  @type answer :: {:ok, term} | {:error, term}
  @type t :: %__MODULE__{
          about: term,
          from: GenServer.from() | nil,
          waiting: [node],
          answers: %{node => answer}
        }

  @doc "Nobody has answered yet."
  @spec new(term, GenServer.from() | nil, [node]) :: t
  def new(about, from, nodes), do: %__MODULE__{about: about, from: from, waiting: nodes}

  @doc "A node answers; a second answer changes nothing."
  @spec answer(t, node, answer) :: t
  def answer(asking, node, answer) do
    if node in asking.waiting,
      do: %{
        asking
        | waiting: asking.waiting -- [node],
          answers: Map.put(asking.answers, node, answer)
      },
      else: asking
  end

  @doc "Those who have not answered will not."
  @spec give_up(t) :: t
  def give_up(asking), do: Enum.reduce(asking.waiting, asking, &lost(&2, &1))

  @doc "A node that cannot be reached will not answer."
  @spec lost(t, node) :: t
  def lost(asking, node), do: answer(asking, node, {:error, Error.new(:no_answer, node: node)})

  @doc "Whether every node has answered."
  @spec done?(t) :: boolean
  def done?(asking), do: asking.waiting == []
end
