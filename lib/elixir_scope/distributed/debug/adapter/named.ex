defmodule ElixirScope.Distributed.Debug.Adapter.Named do
  @moduledoc false
  # Modules and functions as people type them, and as the other side takes them. A node reads names as
  # text only of atoms that it has, and of `Shop.Cart` the part `Shop` need be none there: so the name of
  # a module goes as what it is. This VM has never heard of most of a project's modules, and makes a few
  # new atoms; what is beyond these goes as text.

  alias ElixirScope.Distributed.CLI.{Atoms, Failure}

  @module ~S"[A-Z]\w*(?:\.[A-Z]\w*)*"
  @only_module Regex.compile!("\\A#{@module}\\z")
  @function Regex.compile!("\\A(#{@module}|:[a-z]\\w*)\\.([a-z_]\\w*[?!]?)/(\\d{1,3})\\z")

  @doc """
  A module's name, or the pattern that the text is.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Named
      iex> {Named.module("Enum"), Named.module("Shop.*"), Named.module(Enum)}
      {Enum, "Shop.*", Enum}
  """
  @spec module(module | String.t()) :: module | String.t()
  def module(text) when is_binary(text),
    do: if(text =~ @only_module, do: atom("Elixir." <> text, text), else: text)

  def module(module), do: module

  @doc """
  A function's name.

      iex> alias ElixirScope.Distributed.Debug.Adapter.Named
      iex> {Named.function("Enum.map/2"), Named.function(":lists.map/2"), Named.function("Enum.map")}
      {{Enum, :map, 2}, {:lists, :map, 2}, "Enum.map"}
  """
  @spec function(String.t()) :: mfa | String.t()
  def function(text) do
    with [_all, module, name, arity] <- Regex.run(@function, String.trim(text)),
         module when is_atom(module) <- of_function(module),
         name when is_atom(name) <- atom(name, text) do
      {module, name, String.to_integer(arity)}
    else
      _text -> text
    end
  end

  defp of_function(":" <> erlang), do: atom(erlang, erlang)
  defp of_function(elixir), do: module(elixir)

  defp atom(name, otherwise) do
    Atoms.make!(name)
  rescue
    Failure -> otherwise
  end
end
