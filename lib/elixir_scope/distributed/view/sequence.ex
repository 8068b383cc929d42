defmodule ElixirScope.Distributed.View.Sequence do
  @moduledoc """
  Who sent what to whom, in causal order: as text, or for Mermaid.

      1 web@127.0.0.1 <0.102.0>
      2 orders@127.0.0.1 <0.171.0>
      ? not seen in this answer

      +0.000 ms  1       call MyApp.Orders.place/2  [%{id: 7}]     web@127.0.0.1#1
      +0.328 ms  1 ─▸ 2  call {:take, 7}                        orders@127.0.0.1#3
      +0.475 ms  2 ━× ?  send to MyApp.Log (arrival not seen)   orders@127.0.0.1#5

  A message has one line, where it arrives. Of one that is not seen to arrive, or whose sender is not
  seen, the other end is `?`: it is lost, or was not asked for. The busiest 50 processes are participants;
  the others are one together, `*`, and named on their lines.

  With `format: :mermaid` it is a `sequenceDiagram`, with a box for each node. Whatever could mean something to
  Mermaid is written by its number. Mermaid itself refuses texts of more than 50,000 characters unless
  its `maxTextSize` is raised: ask for less.

      iex> event = %ElixirScope.Distributed.Event{
      ...>   id: {{:web@host, 1}, 1}, at: {0, 1_000_000, :web@host}, node: :web@host, kind: :mark,
      ...>   subject: :checkout, data: %{items: 3}
      ...> }
      iex> {:ok, picture} = ElixirScope.Distributed.Causality.build([event])
      iex> picture |> ElixirScope.Distributed.View.Sequence.render(format: :mermaid) |> Enum.to_list()
      [
        "sequenceDiagram",
        "  participant unseen as not seen",
        "  Note over unseen: checkout  #37;#123;items#58; 3#125;",
        "%% 1 event of 1 node, 0 dropped, none missing"
      ]
  """

  alias ElixirScope.Distributed.{Causality, Error, View}
  alias ElixirScope.Distributed.View.Sequence.{Mermaid, Plain}
  alias ElixirScope.Distributed.View.Source

  @doc """
  The lines of a picture.

  ## Options

  #{ElixirScope.Distributed.Options.docs(:sequence)}
  """
  @spec render(Causality.t(), keyword | map) :: View.lines() | {:error, Error.t()}
  def render(causality, options \\ []) do
    with {:ok, options} <- View.check(:sequence, options),
         do: causality |> Source.of() |> lines(options, options[:format])
  end

  defp lines(source, options, :text), do: Plain.lines(source, options)
  defp lines(source, options, :mermaid), do: Mermaid.lines(source, options)
end
