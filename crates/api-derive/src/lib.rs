//! Derives for the method declarations of `pileus-api`.
//!
//! - `Params`: a struct of parameters, each read and written under its field's name.
//! - `Method`: what the server and the documents must know about a method.
//! - `Reply`: a struct written as a hash, at the top of an answer or inside one.
//!
//! They only turn a struct's own text into the obvious code; anything cleverer belongs into the traits they implement.

mod method;
mod params;
mod reply;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Reads and writes a struct of parameters. A field takes `#[param(missing = CODE)]` for the code that answers a call
/// without it.
#[proc_macro_derive(Params, attributes(param))]
pub fn params(input: TokenStream) -> TokenStream {
    expand(&parse_macro_input!(input as DeriveInput), params::expand)
}

/// Declares a method. It takes
/// `#[method(name = "…", caller = User, access = Read, reply = Type, fails = [CODE, …])]`.
#[proc_macro_derive(Method, attributes(method))]
pub fn method(input: TokenStream) -> TokenStream {
    expand(&parse_macro_input!(input as DeriveInput), method::expand)
}

/// Writes a struct as a hash and reads it back.
#[proc_macro_derive(Reply)]
pub fn reply(input: TokenStream) -> TokenStream {
    expand(&parse_macro_input!(input as DeriveInput), reply::expand)
}

type Expand = fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>;

fn expand(input: &DeriveInput, with: Expand) -> TokenStream {
    with(input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

/// The named fields of a struct; anything else is a misuse of the derive.
fn named_fields(input: &DeriveInput) -> syn::Result<Vec<&syn::Field>> {
    match &input.data {
        syn::Data::Struct(data) => match &data.fields {
            syn::Fields::Named(fields) => Ok(fields.named.iter().collect()),
            syn::Fields::Unit => Ok(Vec::new()),
            syn::Fields::Unnamed(_) => {
                Err(syn::Error::new_spanned(&input.ident, "fields need names"))
            }
        },
        _ => Err(syn::Error::new_spanned(
            &input.ident,
            "only structs can be derived",
        )),
    }
}

/// A field's name on the wire: its Rust name without the `r#` of keywords.
fn wire_name(field: &syn::Field) -> String {
    field
        .ident
        .as_ref()
        .map(|ident| ident.to_string().trim_start_matches("r#").to_owned())
        .unwrap_or_default()
}

/// The doc comment of an item as one text. It is required: the reference pages are made of it.
fn doc_text(attributes: &[syn::Attribute], of: &dyn quote::ToTokens) -> syn::Result<String> {
    let mut lines = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
    {
        if let syn::Meta::NameValue(pair) = &attribute.meta
            && let syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(line),
                ..
            }) = &pair.value
        {
            let line = line.value();
            lines.push(line.strip_prefix(' ').unwrap_or(&line).to_owned());
        }
    }
    if lines.is_empty() {
        return Err(syn::Error::new_spanned(
            of,
            "needs a doc comment: the reference is made of it",
        ));
    }
    Ok(lines.join("\n"))
}
