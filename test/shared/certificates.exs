defmodule ElixirScope.Distributed.Certificates do
  @moduledoc false
  # A certificate authority of the test's own, and what a node needs to speak TLS with certificates
  # that it signed: the file that `-ssl_dist_optfile` names.

  @name {2, 5, 29, 17}
  # What is signed with SHA-1, newer versions do not accept.
  @made [key: {:namedCurve, :secp256r1}, digest: :sha256]

  @doc "Whether this Erlang can do it."
  @spec there?() :: boolean
  def there? do
    Enum.each([:crypto, :asn1, :public_key, :ssl], &find/1)

    Enum.all?([:crypto, :public_key, :ssl], &(Code.ensure_loaded(&1) == {:module, &1})) and
      match?({:ok, _started}, Application.ensure_all_started(:ssl))
  end

  # Since Elixir 1.15 a project finds only the applications that it names.
  defp find(app) do
    if function_exported?(Mix, :ensure_application!, 1),
      do: apply(Mix, :ensure_application!, [app])
  rescue
    Mix.Error -> :not_there
  end

  @doc "The option file of a node that only speaks with those whose certificates have the same origin."
  @spec optfile(Path.t()) :: Path.t()
  def optfile(folder) do
    files = write(folder, generate())

    common = [
      cacertfile: files.ca,
      certfile: files.cert,
      keyfile: files.key,
      verify: :verify_peer
    ]

    options = [server: [fail_if_no_peer_cert: true] ++ common, client: common]
    path = Path.join(folder, "dist.conf")
    File.write!(path, :io_lib.format("~p.~n", [options]))
    path
  end

  # A node is a server to whoever connects to it, and a client to whom it connects to: both trust
  # the root that signed its own.
  defp generate do
    here = {:Extension, @name, false, [dNSName: ~c"127.0.0.1", iPAddress: <<127, 0, 0, 1>>]}
    root = :public_key.pkix_test_root_cert(~c"scope test", @made)
    chain = %{root: root, intermediates: [], peer: [extensions: [here]] ++ @made}

    %{server_config: made} =
      :public_key.pkix_test_data(%{server_chain: chain, client_chain: chain})

    made
  end

  defp write(folder, made) do
    {type, key} = made[:key]

    %{
      ca:
        pem(folder, "ca.pem", for(der <- made[:cacerts], do: {:Certificate, der, :not_encrypted})),
      cert: pem(folder, "node.pem", [{:Certificate, made[:cert], :not_encrypted}]),
      key: pem(folder, "node.key", [{type, key, :not_encrypted}])
    }
  end

  defp pem(folder, name, entries) do
    path = Path.join(folder, name)
    File.write!(path, :public_key.pem_encode(entries))
    to_charlist(path)
  end
end
