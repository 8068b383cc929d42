defmodule ElixirScope.Distributed.View.Glyphs do
  @moduledoc false
  # What views draw with, each one column wide: lines of Unicode, or ASCII alone where the output
  # cannot show more; and how they write other people's text with it.

  alias ElixirScope.Distributed.View.Text

  @unicode %{
    ellipsis: "…",
    lane: "│",
    before: "┊",
    shared: "┆",
    begin: "╭",
    break: "╳",
    event: "●",
    raised: "✗",
    exit: "■",
    cross: "┼",
    from_left: "├",
    from_right: "┤",
    last_left: "╰",
    last_right: "╯",
    branch: "├─ ",
    last_branch: "└─ ",
    trunk: "│  ",
    to: "→"
  }

  @ascii %{
    ellipsis: "~",
    lane: "|",
    before: ":",
    shared: ":",
    begin: ",",
    break: "x",
    event: "*",
    raised: "!",
    exit: "#",
    cross: "+",
    from_left: "|",
    from_right: "|",
    last_left: "`",
    last_right: "'",
    branch: "|- ",
    last_branch: "`- ",
    trunk: "|  ",
    to: ">"
  }

  # By what kind of cause it is: the line, and the heads of an arrow to the left and to the right.
  @arrows %{
    {:message, :exact} => {"─", "◂", "▸"},
    {:message, :likely} => {"╌", "◂", "▸"},
    spawn: {"═", "◃", "▹"},
    link: {"─", "◦", "◦"},
    exit: {"━", "×", "×"}
  }

  @ascii_arrows %{
    {:message, :exact} => {"-", "<", ">"},
    {:message, :likely} => {".", "<", ">"},
    spawn: {"=", "<", ">"},
    link: {"-", "o", "o"},
    exit: {"=", "x", "x"}
  }

  @enforce_keys [:ascii?, :signs, :arrows]
  defstruct [:ascii?, :signs, :arrows]

  @type t :: %__MODULE__{ascii?: boolean, signs: map, arrows: map}

  @doc "The signs that the options of a view ask for."
  @spec of(keyword) :: t
  def of(options) do
    if options[:ascii],
      do: %__MODULE__{ascii?: true, signs: @ascii, arrows: @ascii_arrows},
      else: %__MODULE__{ascii?: false, signs: @unicode, arrows: @arrows}
  end

  @doc "A sign."
  @spec sign(t, atom) :: String.t()
  def sign(glyphs, name), do: Map.fetch!(glyphs.signs, name)

  @doc "The line and both heads of an arrow; nothing where it is not sure enough to be drawn."
  @spec arrow(t, atom, atom) :: {String.t(), String.t(), String.t()} | nil
  def arrow(_glyphs, _kind, :ambiguous), do: nil
  def arrow(glyphs, :message, sure), do: glyphs.arrows[{:message, sure}]
  def arrow(glyphs, kind, _sure), do: glyphs.arrows[kind]

  @doc "Text that is safe to print, in no more than so many columns."
  @spec fit(t, binary, non_neg_integer) :: String.t()
  def fit(%{ascii?: true} = glyphs, text, columns),
    do: text |> head(columns) |> Text.ascii() |> Text.fit(columns, sign(glyphs, :ellipsis))

  def fit(glyphs, text, columns), do: Text.fit(text, columns, sign(glyphs, :ellipsis))

  # Of a text without end only what can be shown is written anew.
  defp head(text, columns), do: Text.fit(text, columns + 1, "")
end
