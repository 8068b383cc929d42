defmodule ElixirScope.Distributed.Debug.Breakpoints.Hits do
  @moduledoc false
  # Which of its hits a breakpoint takes: `5` the fifth, `> 3` those behind the third, `>= 3` from the third on,
  # `% 2` every second one; also `==`, `<` and `<=`.

  @form ~r/\A\s*(==?|>=|>|<=|<|%)?\s*(\d{1,18})\s*\z/

  @type t :: :all | {String.t(), non_neg_integer}

  @doc "What was written; nothing takes all."
  @spec parse(String.t() | nil) :: {:ok, t} | {:error, {:bad_hit, String.t()}}
  def parse(nil), do: {:ok, :all}

  def parse(text) do
    case Regex.run(@form, text) do
      [_all, sign, number] -> checked(sign(sign), String.to_integer(number), text)
      nil -> {:error, {:bad_hit, text}}
    end
  end

  defp checked("%", 0, text), do: {:error, {:bad_hit, text}}
  defp checked(sign, number, _text), do: {:ok, {sign, number}}

  defp sign(sign) when sign in ["", "="], do: "=="
  defp sign(sign), do: sign

  @doc "Whether a hit of that number, from 1, is taken."
  @spec take?(t, pos_integer) :: boolean
  def take?(:all, _hit), do: true
  def take?({"==", n}, hit), do: hit == n
  def take?({">", n}, hit), do: hit > n
  def take?({">=", n}, hit), do: hit >= n
  def take?({"<", n}, hit), do: hit < n
  def take?({"<=", n}, hit), do: hit <= n
  def take?({"%", n}, hit), do: rem(hit, n) == 0
end
