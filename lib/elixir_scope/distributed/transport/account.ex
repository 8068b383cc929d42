defmodule ElixirScope.Distributed.Transport.Account do
  @moduledoc false
  # What one peer has sent, and what of it is taken in: the judgement on each of its messages, by
  # the table of `Operations`. Pure; the time is an argument.
  #
  # Invariant: as large as the table, whatever the peer sends.

  alias ElixirScope.Distributed.{NodeCoordinator, Operations}
  alias ElixirScope.Distributed.Transport.Bucket

  # A peer that cannot be understood is told so this often.
  @malformed {5, 20}

  # These are heard of anybody who is connected; all else of who has introduced itself.
  @introductions [:hello, :welcome]

  defstruct introduced?: false,
            gone?: false,
            buckets: %{},
            accepted: 0,
            malformed: 0,
            unknown: 0,
            limited: %{},
            refused: %{},
            told: []

  @typedoc """
  `introduced?`: it has said hello, on this connection or an earlier one; `gone?`: it cannot be
  reached. What was not taken in: `malformed` could not be read, `unknown` came of who is no member,
  `limited` came too fast, `refused` was not granted.
  """
  @type t :: %__MODULE__{
          introduced?: boolean,
          gone?: boolean,
          buckets: %{atom => Bucket.t()},
          accepted: non_neg_integer,
          malformed: non_neg_integer,
          unknown: non_neg_integer,
          limited: %{atom => pos_integer},
          refused: %{atom => pos_integer},
          told: [cause]
        }
  @type cause :: :malformed | :unknown | :limited | :refused

  @typedoc """
  What is to be done: take it in; say that it cannot be read, to whom waits for an answer by its
  reference; say that it is not granted; nothing.
  """
  @type verdict ::
          {:take, Operations.t(), struct}
          | {:malformed, role :: module | nil, reference | nil}
          | {:refuse, Operations.t(), struct}
          | :drop

  @typedoc "What this node grants, and who was put out."
  @type rules :: %{grants: [Operations.capability()], out: [node]}

  @doc "Judges a message; with it, what the operator is told for the first time."
  @spec judge(t, node, term, rules, integer) :: {verdict, news :: {cause, atom} | nil, t}
  def judge(account, from, term, rules, now_ms) do
    with {:ok, operation} <- Operations.find(term),
         {:ok, account} <- within(account, operation.name, operation.rate, now_ms) do
      examine(account, operation, {from, term}, rules, now_ms)
    else
      {:error, what} -> malformed(account, what, {Operations.role(term), nil}, now_ms)
      {:limited, name, account} -> note(account, :limited, name, :drop)
    end
  end

  # It has taken its place among those of this second by now, whatever it is found to be.
  defp examine(account, operation, {from, term}, rules, now_ms) do
    with {:ok, message} <- Operations.read(operation, from, term),
         :ok <- known(account, operation, from in rules.out),
         :ok <- granted(operation, message, rules.grants) do
      accept(account, operation, message)
    else
      {:error, what} -> malformed(account, what, waits(operation, term), now_ms)
      :unknown -> note(account, :unknown, operation.name, :drop)
      {:refuse, message} -> note(account, :refused, operation.name, {:refuse, operation, message})
    end
  end

  @doc "Something came that is no message, or of which nobody says who sent it."
  @spec stray(t) :: {:drop, {cause, atom} | nil, t}
  def stray(account), do: note(account, :malformed, :form, :drop)

  @doc "How many of each kind can be taken in now, of those of which some came."
  @spec left(t, integer) :: %{atom => non_neg_integer}
  def left(account, now_ms) do
    for {name, bucket} <- Map.delete(account.buckets, :malformed), into: %{} do
      {name, Bucket.left(bucket, Operations.named(name).rate, now_ms)}
    end
  end

  defp within(account, name, rate, now_ms) do
    {outcome, bucket} = Bucket.take(account.buckets[name], rate, now_ms)
    account = put_in(account.buckets[name], bucket)
    if outcome == :ok, do: {:ok, account}, else: {:limited, name, account}
  end

  defp known(account, operation, out?) do
    if operation.role == NodeCoordinator or (account.introduced? and not out?),
      do: :ok,
      else: :unknown
  end

  defp granted(%{needs: needs}, message, grants),
    do: if(needs == nil or needs in grants, do: :ok, else: {:refuse, message})

  defp accept(account, operation, message) do
    introduced? = account.introduced? or operation.name in @introductions
    account = %{account | introduced?: introduced?, gone?: false, accepted: account.accepted + 1}
    {{:take, operation, message}, nil, account}
  end

  # Who needs a capability asks for something.
  defp waits(%{role: role, needs: needs}, %{ref: ref}) when needs != nil and is_reference(ref),
    do: {role, ref}

  defp waits(%{role: role}, _term), do: {role, nil}

  defp malformed(account, what, {role, ref}, now_ms) do
    case within(account, :malformed, @malformed, now_ms) do
      {:ok, account} -> note(account, :malformed, what, {:malformed, role, ref})
      {:limited, _name, account} -> note(account, :malformed, what, :drop)
    end
  end

  defp note(account, cause, what, verdict) do
    news = if cause not in account.told, do: {cause, what}
    told = if news, do: [cause | account.told], else: account.told
    {verdict, news, count(%{account | told: told}, cause, what)}
  end

  defp count(account, cause, _what) when cause in [:malformed, :unknown],
    do: Map.update!(account, cause, &(&1 + 1))

  defp count(account, cause, name),
    do: Map.update!(account, cause, &Map.update(&1, name, 1, fn count -> count + 1 end))
end
