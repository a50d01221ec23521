//! `#[derive(Params)]`.

use crate::{doc_text, named_fields, wire_name};
use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

/// The code named by `#[param(missing = CODE)]`.
fn missing_code(field: &syn::Field) -> syn::Result<TokenStream> {
    let mut code = quote!(None);
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("param"))
    {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("missing") {
                return Err(meta.error("expected `missing = CODE`"));
            }
            let name: syn::Ident = meta.value()?.parse()?;
            code = quote!(Some(::pileus_api::Code::#name));
            Ok(())
        })?;
    }
    Ok(code)
}

pub fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let (mut takes, mut puts, mut describes) = (Vec::new(), Vec::new(), Vec::new());
    for field in named_fields(input)? {
        let (member, kind) = (&field.ident, &field.ty);
        let name = wire_name(field);
        let doc = doc_text(&field.attrs, field)?;
        let missing = missing_code(field)?;
        let field_trait = quote!(<#kind as ::pileus_api::field::Field>);
        takes.push(quote!(#member: #field_trait::take(#name, #missing, params)?));
        puts.push(quote!(#field_trait::put(&self.#member, #name, params);));
        describes.push(quote! {
            const { ::pileus_api::method::check_param_name(#name) };
            #field_trait::describe(#name, #doc, #missing, out);
        });
    }
    Ok(quote! {
        impl ::pileus_api::method::Decode for #ident {
            fn decode(params: &::pileus_api::method::Params) -> ::core::result::Result<Self, ::pileus_api::Code> {
                // Methods without parameters use none of these.
                let _ = params;
                Ok(Self { #(#takes),* })
            }
            fn encode(&self, params: &mut ::pileus_api::method::Params) {
                let _ = &params;
                #(#puts)*
            }
            fn describe(out: &mut ::std::vec::Vec<::pileus_api::method::ParamSpec>) {
                let _ = &out;
                #(#describes)*
            }
        }
    })
}
