//! `#[derive(Reply)]`.

use crate::{doc_text, named_fields, wire_name};
use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

pub fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let (mut writes, mut reads, mut describes) = (Vec::new(), Vec::new(), Vec::new());
    for field in named_fields(input)? {
        let (member, kind) = (&field.ident, &field.ty);
        let name = wire_name(field);
        let doc = doc_text(&field.attrs, field)?;
        writes.push(quote!(::pileus_api::reply::write_field(out, #name, &self.#member);));
        reads.push(quote!(#member: ::pileus_api::reply::read_field(tree, #name)?));
        describes.push(quote! {
            out.push(::pileus_api::reply::FieldSpec {
                name: #name,
                kind: <#kind as ::pileus_api::reply::Value>::kind(),
                doc: #doc,
                optional: <#kind as ::pileus_api::reply::Value>::absent().is_some(),
            });
        });
    }
    let type_name = ident.to_string();
    Ok(quote! {
        impl ::pileus_api::reply::Value for #ident {
            fn write(&self, out: &mut dyn ::pileus_api::reply::Sink) {
                out.begin_hash();
                #(#writes)*
                out.end_hash();
            }
            fn read(tree: &::pileus_api::reply::Tree) -> ::core::option::Option<Self> {
                Some(Self { #(#reads),* })
            }
            fn kind() -> ::std::string::String {
                #type_name.into()
            }
        }
        impl ::pileus_api::reply::Reply for #ident {
            fn write(&mut self, out: &mut dyn ::pileus_api::reply::Sink) -> ::pileus_api::reply::Written {
                #(#writes)*
                ::pileus_api::reply::Written::All
            }
            fn read(tree: &::pileus_api::reply::Tree) -> ::core::option::Option<Self> {
                <Self as ::pileus_api::reply::Value>::read(tree)
            }
            fn describe(out: &mut ::std::vec::Vec<::pileus_api::reply::FieldSpec>) {
                #(#describes)*
            }
        }
    })
}
