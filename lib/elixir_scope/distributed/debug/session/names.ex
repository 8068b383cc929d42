defmodule ElixirScope.Distributed.Debug.Session.Names do
  @moduledoc false
  # What the nodes of a session are called, and their cookie. A name is made of a template; what comes
  # of it is checked before it becomes an atom or is given to a program: nothing in it means anything
  # to a shell, to Erlang's flags or to a file system.

  alias ElixirScope.Distributed.Error

  @template "scope-{role}-{project}-{id}"
  @places ~w(role project id pid)

  # Of the part before the `@`: the port mapper takes 255 bytes of it, people read less.
  @name ~r/\A[A-Za-z][A-Za-z0-9_-]{0,127}\z/
  @host ~r/\A[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\z/
  @cookie ~r/\A[\x21-\x7e]{1,255}\z/

  @doc "The template of who gives none."
  @spec template() :: String.t()
  def template, do: @template

  @doc """
  The names of `roles`, all different.

      iex> Names.make("{project}-{role}", [:target], %{id: "a1", pid: "7", project: "shop"}, "127.0.0.1")
      {:ok, %{target: "shop-target@127.0.0.1"}}
  """
  @spec make(String.t(), [atom], map, String.t()) ::
          {:ok, %{atom => String.t()}} | {:error, Error.t()}
  def make(template, roles, values, host) do
    names = for role <- roles, do: {role, fill(template, Map.put(values, :role, role))}

    with :ok <- places(template),
         :ok <- each(names, template),
         :ok <- different(names, template),
         do: {:ok, Map.new(names, fn {role, name} -> {role, name <> "@" <> host} end)}
  end

  defp fill(template, values) do
    Enum.reduce(values, template, fn {place, value}, name ->
      String.replace(name, "{#{place}}", to_string(value))
    end)
  end

  defp places(template) do
    case for(
           [_all, place] <- Regex.scan(~r/\{(.*?)\}/, template),
           place not in @places,
           do: place
         ) do
      [] ->
        :ok

      [place | _] ->
        bad(template, "{#{place}} is none of #{Enum.map_join(@places, ", ", &"{#{&1}}")}")
    end
  end

  defp each(names, template) do
    case Enum.find(names, fn {_role, name} -> not (name =~ @name) end) do
      nil ->
        :ok

      {_role, name} ->
        bad(
          template,
          "it makes #{inspect(name)}: a letter, then letters, digits, - and _ are taken, 128 at most"
        )
    end
  end

  defp different(names, template) do
    if Enum.uniq_by(names, &elem(&1, 1)) == names,
      do: :ok,
      else: bad(template, "two nodes would have the same name: put {role} into it")
  end

  defp bad(template, why),
    do: {:error, Error.new(:bad_node_name, message: "the name #{inspect(template)}: #{why}")}

  @doc """
  The part of a name that stands for a project.

      iex> Names.project("/home/me/My Shop.2")
      "my_shop_2"
  """
  @spec project(Path.t()) :: String.t()
  def project(folder) do
    name = folder |> Path.basename() |> String.downcase() |> String.replace(~r/[^a-z0-9]+/, "_")
    name |> String.trim("_") |> String.slice(0, 40) |> or_else("project")
  end

  defp or_else("", other), do: other
  defp or_else(text, _other), do: text

  @doc "Digits that no other session has."
  @spec unique() :: String.t()
  def unique, do: Base.encode16(random(5), case: :lower)

  @doc "A cookie that nobody guesses."
  @spec cookie() :: String.t()
  def cookie, do: Base.url_encode64(random(32), padding: false)

  # Of the system: OTP's `crypto` is not in every release.
  defp random(count) do
    {:ok, device} = :file.open("/dev/urandom", [:read, :raw, :binary])
    {:ok, bytes} = :file.read(device, count)
    :ok = :file.close(device)
    bytes
  end

  @doc """
  A full name as a node's.

      iex> Names.to_node("web@127.0.0.1")
      {:ok, :"web@127.0.0.1"}
      iex> {:error, error} = Names.to_node("web; rm -rf@x")
      iex> error.reason
      :bad_node_name
  """
  @spec to_node(String.t() | node) :: {:ok, node} | {:error, Error.t()}
  def to_node(name) when is_atom(name), do: name |> Atom.to_string() |> to_node()

  def to_node(text) do
    with [name, host] <- String.split(text, "@"),
         true <- name =~ @name and host =~ @host do
      {:ok, String.to_atom(text)}
    else
      _not_one -> bad(text, "a node's name is like web@127.0.0.1")
    end
  end

  @doc "The name of a scope, as it came over our own pipe."
  @spec scope(String.t()) :: atom
  def scope(text), do: String.to_atom(text)

  @doc "The atom that Erlang knows a cookie by."
  @spec secret(String.t()) :: {:ok, atom} | {:error, Error.t()}
  def secret(text) do
    if text =~ @cookie,
      do: {:ok, String.to_atom(text)},
      else:
        {:error,
         Error.new(:bad_cookie,
           message: "a cookie has 1 to 255 printable characters and no spaces"
         )}
  end
end
