//! `graph_*`: the module dependency graph.
//!
//! A handle is one graph under a lock: many may ask at a time, one may change it. Whatever is asked
//! takes as long as the graph is large, and a change waits for those who ask: all on dirty
//! schedulers. What is refused is an error value, never a raise.

mod input;
mod output;

use input::{ExtentName, KindName, Refused, Side};
use output::{Info, Linked, Listed};
use parking_lot::RwLock;
use rustler::{Binary, Env, NewBinary, NifUnitEnum, Resource, ResourceArc, Term};
use scope_graph::{Change, Diff, Graph, Walk};

/// What Erlang holds of a graph.
struct Handle(RwLock<Graph>);

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: the lock is free again, and a change that was refused or cut
// short is not one that is read.
impl std::panic::RefUnwindSafe for Handle {}

type GraphRef = ResourceArc<Handle>;

fn handle(graph: Graph) -> GraphRef {
    ResourceArc::new(Handle(RwLock::new(graph)))
}

/// What a change came to, as Erlang knows it.
#[derive(NifUnitEnum)]
enum Changed {
    None,
    Places,
    Structure,
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_load(modules: Term<'_>) -> Result<GraphRef, Refused> {
    input::graph(modules).map(handle)
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_from_bytes(bytes: Binary<'_>) -> Result<GraphRef, String> {
    match Graph::from_bytes(&bytes) {
        Ok(graph) => Ok(handle(graph)),
        Err(error) => Err(error.to_string()),
    }
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_to_bytes(env: Env<'_>, graph: GraphRef) -> Term<'_> {
    let bytes = graph.0.read().to_bytes();
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(&bytes);
    binary.into()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_replace(
    graph: GraphRef,
    module: Term<'_>,
    references: Term<'_>,
) -> Result<Changed, Refused> {
    let (module, list) = (input::name(module)?, input::references(references)?);
    let references = list.iter().flat_map(|listed| listed.references());
    let change = graph.0.write().replace(&module, references);
    change.map(Changed::from).or(Err(Refused::TooMany))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_remove(graph: GraphRef, module: Term<'_>) -> Result<Changed, Refused> {
    let module = input::name(module)?;
    Ok(graph.0.write().remove(&module).into())
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_info(graph: GraphRef) -> Info {
    Info::of(&graph.0.read())
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_list<'a>(env: Env<'a>, graph: GraphRef) -> Vec<Listed<'a>> {
    output::listed(env, &graph.0.read())
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_direct<'a>(
    graph: GraphRef,
    module: Term<'a>,
    side: Side,
    kinds: Vec<KindName>,
) -> Result<Vec<Linked<'a>>, Refused> {
    let graph = graph.0.read();
    let id = input::known(&graph, module)?;
    let links = graph.direct(id, side.into(), input::kinds(&kinds));
    Ok(output::linked(module.get_env(), &graph, links))
}

/// One list for each distance, the nearest first.
#[rustler::nif(schedule = "DirtyCpu")]
fn graph_walk<'a>(
    graph: GraphRef,
    modules: Term<'a>,
    side: Side,
    depth: Option<usize>,
    kinds: Vec<KindName>,
) -> Result<Vec<Vec<Term<'a>>>, Refused> {
    let graph = graph.0.read();
    let starts = input::all_known(&graph, modules)?;
    let walk = Walk::new(side.into()).by(input::kinds(&kinds));
    let reach = graph.walk(&starts, walk.depth(depth.unwrap_or(usize::MAX)));
    let distances = (1..=reach.depth()).map(|distance| reach.at(distance));
    Ok(output::groups(modules.get_env(), &graph, distances))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_why<'a>(
    graph: GraphRef,
    from: Term<'a>,
    to: Term<'a>,
    kinds: Vec<KindName>,
) -> Result<Option<Vec<Term<'a>>>, Refused> {
    let graph = graph.0.read();
    let ends = (input::known(&graph, from)?, input::known(&graph, to)?);
    let path = graph.why(ends.0, ends.1, input::kinds(&kinds));
    Ok(path.map(|path| output::names(from.get_env(), &graph, &path)))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_components<'a>(env: Env<'a>, graph: GraphRef, kinds: Vec<KindName>) -> Vec<Vec<Term<'a>>> {
    let graph = graph.0.read();
    let components = graph.components(input::kinds(&kinds));
    output::groups(env, &graph, components.iter())
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_cycles<'a>(
    env: Env<'a>,
    graph: GraphRef,
    kinds: Vec<KindName>,
) -> Vec<(Vec<Term<'a>>, Vec<KindName>)> {
    let graph = graph.0.read();
    let cycles = graph.cycles(input::kinds(&kinds));
    let named = cycles.iter().map(|cycle| {
        let modules = output::names(env, &graph, &cycle.modules);
        (modules, output::kinds(cycle.kinds))
    });
    named.collect()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn graph_layers<'a>(env: Env<'a>, graph: GraphRef, kinds: Vec<KindName>) -> Vec<Vec<Term<'a>>> {
    let graph = graph.0.read();
    let layers = graph.layers(input::kinds(&kinds));
    output::groups(env, &graph, layers.iter())
}

/// Those that are compiled again, and those that only call, however far away, what changed.
#[rustler::nif(schedule = "DirtyCpu")]
fn graph_affected<'a>(
    graph: GraphRef,
    changed: Term<'a>,
    extent: ExtentName,
) -> Result<(Vec<Term<'a>>, Vec<Term<'a>>), Refused> {
    let (graph, env) = (graph.0.read(), changed.get_env());
    let changed = input::all_known(&graph, changed)?;
    let affected = graph.affected(&changed, extent.into());
    let recompiled = output::names(env, &graph, &affected.recompiled);
    Ok((recompiled, output::names(env, &graph, &affected.reached)))
}

/// What `old` says and `new` does not, and the other way round. One of the two is copied, so that
/// no two locks are ever held.
#[rustler::nif(schedule = "DirtyCpu")]
fn graph_diff<'a>(
    env: Env<'a>,
    old: GraphRef,
    new: GraphRef,
) -> (Vec<Listed<'a>>, Vec<Listed<'a>>) {
    let old = old.0.read().clone();
    let diff = Diff::between(&old, &new.0.read());
    (
        output::listed(env, &diff.removed),
        output::listed(env, &diff.added),
    )
}

impl From<Change> for Changed {
    fn from(change: Change) -> Self {
        match change {
            Change::None => Self::None,
            Change::Places => Self::Places,
            Change::Structure => Self::Structure,
        }
    }
}
