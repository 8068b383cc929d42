defmodule ElixirScope.Distributed.Case.Told do
  @moduledoc false
  # Tests that say when they begin, pass and fail, so that a failure can be told of. It is imported by
  # `use ElixirScope.Distributed.Case` alone: who imports that module's verbs keeps ExUnit's `test`.

  @doc """
  A test as `ExUnit.Case.test/3` defines it; when it fails, what led to the failure is printed, as far as
  its nodes recorded it.
  """
  defmacro test(message, context \\ quote(do: _), contents) do
    body = body(contents)

    quote do
      ExUnit.Case.test unquote(message), unquote(context) = told do
        :ok = ElixirScope.Distributed.Case.Teller.began(told)

        try do
          unquote(body)
        catch
          kind, reason ->
            ElixirScope.Distributed.Case.Teller.failed()
            :erlang.raise(kind, reason, __STACKTRACE__)
        end

        ElixirScope.Distributed.Case.Teller.passed()
      end
    end
  end

  defp body(do: block), do: block
  defp body(contents), do: quote(do: try(unquote(contents)))
end
